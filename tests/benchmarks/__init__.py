"""Measurements of speed and memory beside peers in the same run: ``python -m tests.benchmarks [part …]``.

Each module measures one part and returns rows of a table; nothing here is a test and nothing fails on a time.
Servers listen on 127.0.0.1 on free ports and are stopped by their process id. Figures of a shared machine are
noisy: medians of several repetitions, CPU time of the server process where that is what counts.
"""
