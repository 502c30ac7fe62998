"""Views in other sites: tokens, what they pin, the page of one view, and the loader for a host page."""
