"""The functions that typed SQL may call, by dialect; everything else is refused."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType


def names_in(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


_COMMON = """
abs avg cast ceil ceiling coalesce concat count cume_dist current_date current_time current_timestamp
dense_rank exp first_value floor lag last_value lead ln log lower ltrim max min nth_value ntile nullif
percent_rank power rank replace round row_number rtrim sign sin cos tan asin acos atan sqrt substring sum
trim upper
"""

# Left out because one call can take hours or all memory, which nothing can interrupt: json_patch.
# instr, replace, trim, printf and format are replaced by bounded ones (core/database/sqlite_bounded.py).
_SQLITE = """
acosh asinh atan2 atanh changes char cosh date datetime degrees format glob group_concat hex ifnull iif
instr json json_array json_array_length json_each json_extract json_group_array json_group_object
json_insert json_object json_quote json_remove json_replace json_set json_tree json_type json_valid
julianday length like likelihood likely log10 log2 match mod octet_length pi pow printf quote radians random
sinh soundex sqlite_version strftime string_agg substr tanh time timediff total trunc typeof unhex unicode
unixepoch unlikely pragma_table_info pragma_table_xinfo pragma_table_list pragma_index_list
pragma_index_info pragma_foreign_key_list bm25 highlight snippet
"""

# Left out because they make values of any size, which DuckDB does not count: repeat, lpad, rpad, format,
# printf, bar, list_resize; range and generate_series are for FROM only (the DuckDB check sees to that).
_DUCKDB = """
acosh add age any_value approx_count_distinct approx_quantile arbitrary arg_max arg_min argmax argmin
array_agg array_contains array_distinct array_extract array_has array_length array_position array_slice
array_sort array_to_string ascii asinh atan2 atanh bin bit_and bit_count bit_or bit_xor bool_and bool_or
cardinality cbrt century chr columns concat_ws contains corr cosh cot count_if countif count_star covar_pop
covar_samp damerau_levenshtein date date_add date_diff date_part date_sub date_trunc datediff datepart
datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade degrees divide element_at
ends_with entropy epoch epoch_ms era even extract factorial favg fdiv first flatten fmod fsum gamma
gcd generate_series geomean greatest group_concat hash hamming histogram hour if ifnull iif instr isfinite
isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity json_array_length json_extract
json_extract_string json_keys json_type json_valid json_value julian kahan_sum kurtosis kurtosis_pop last
last_day lcase lcm least left len length levenshtein lgamma list list_aggregate list_apply list_avg
list_contains list_count list_distinct list_extract list_filter list_max list_median list_min list_position
list_reverse list_slice list_sort list_sum list_transform list_unique list_value listagg log10 log2 mad
make_date make_time make_timestamp map map_entries map_extract map_keys map_values max_by md5 mean median
millisecond min_by minute mod mode month monthname multiply now ord pi position pow prefix product quantile
quantile_cont quantile_disc quarter radians random range regexp_extract regexp_extract_all
regexp_full_match regexp_matches regexp_replace regexp_split_to_array regr_avgx regr_avgy regr_count
regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile reverse right round_even
row second sem sha256 signbit sinh skewness split split_part starts_with stddev stddev_pop stddev_samp
str_split strftime string_agg string_split string_to_array strip_accents strlen strpos strptime struct_extract
struct_pack substr subtract suffix tanh time_bucket timestamp to_centuries to_days to_hours to_milliseconds
to_minutes to_months to_seconds to_timestamp to_weeks to_years today translate trunc try_cast try_strptime
typeof ucase unicode unnest var_pop var_samp variance version week weekday weekofyear weighted_avg xor year
yearweek
"""

_TSQL = """
approx_count_distinct ascii atn2 avg char charindex choose concat_ws convert cot count_big datalength
date_bucket dateadd datediff datediff_big datefromparts datename datepart datetimefromparts datetrunc day
degrees difference eomonth format getdate getutcdate greatest grouping grouping_id iif isdate isjson isnull
isnumeric json_query json_value least left len log10 month nchar openjson parse patindex percentile_cont
percentile_disc pi quotename radians rand reverse right soundex square stdev stdevp str string_agg
string_escape string_split stuff switchoffset sysdatetime sysutcdatetime translate try_cast try_convert
try_parse unicode var varp year
"""

# Left out: whatever runs text as SQL, reads files or settings, locks, waits, or makes values of any size.
_POSTGRES = """
acosh age any_value array_agg array_length array_position array_to_string ascii asinh atan2 atanh bit_and
bit_length bit_or bool_and bool_or btrim cardinality cbrt char_length character_length chr concat_ws corr
cosh cot covar_pop covar_samp date date_bin date_part date_trunc degrees div every extract factorial gcd
generate_series greatest grouping initcap isfinite json_agg json_array_elements json_array_length
json_build_object json_extract_path_text json_object_agg jsonb_agg jsonb_array_elements jsonb_array_length
jsonb_build_object jsonb_object_agg justify_days justify_hours lcm least left length log10 make_date
make_interval make_timestamp md5 min_scale mod mode normalize now octet_length overlay percentile_cont
percentile_disc pi position pow quote_literal radians random regexp_count regexp_match regexp_matches
regexp_replace regexp_split_to_array regexp_substr regr_count regr_intercept regr_r2 regr_slope reverse
right row_to_json scale sinh split_part starts_with stddev stddev_pop stddev_samp string_agg
string_to_array strpos substr tanh to_char to_date to_number to_timestamp translate trim_scale trunc unnest
upper var_pop var_samp variance width_bucket
"""

_MYSQL = """
adddate addtime any_value ascii atan2 bin bit_and bit_count bit_length bit_or char char_length
character_length concat_ws conv convert convert_tz cot crc32 curdate curtime date date_add date_format
date_sub datediff day dayname dayofmonth dayofweek dayofyear degrees elt extract field find_in_set
from_days from_unixtime get_format greatest group_concat grouping hex hour if ifnull insert instr isnull
json_array json_arrayagg json_extract json_length json_object json_objectagg json_unquote json_value
last_day lcase least left length locate log10 log2 maketime makedate md5 microsecond mid minute mod month
monthname now octet_length ord period_add period_diff pi position pow quarter quote radians rand
regexp_instr regexp_replace regexp_substr reverse right sec_to_time second soundex std stddev stddev_pop
stddev_samp str_to_date strcmp subdate substr substring_index subtime sysdate time time_format time_to_sec
timediff timestamp timestampadd timestampdiff to_days to_seconds truncate ucase unix_timestamp utc_date
utc_time utc_timestamp var_pop var_samp variance week weekday weekofyear year yearweek
"""

_OTHER = """
any_value array_agg ascii char_length concat_ws corr count_if covar_pop covar_samp date date_add date_diff
date_format date_part date_sub date_trunc datediff day dayofmonth dayofweek dayofyear degrees extract greatest
hour if ifnull initcap last_day least left length listagg locate max_by median min_by minute mod month nvl
percentile percentile_approx percentile_cont percentile_disc position pow quarter radians regexp_extract
regexp_replace reverse right second split split_part stddev stddev_pop stddev_samp string_agg strpos substr
to_char to_date to_timestamp translate trunc unix_date var_pop var_samp variance weekofyear year
"""

_BY_DIALECT = {"sqlite": _SQLITE, "duckdb": _DUCKDB, "tsql": _TSQL, "postgres": _POSTGRES, "mysql": _MYSQL}

TYPE_NAMES = names_in(
    """bigint binary bit char character date datetime datetime2 datetimeoffset dec decimal double float int
    integer nchar numeric nvarchar real smallint text time timestamp varbinary varchar"""
)
"""Types that take a length or precision in brackets, as in CAST(x AS DECIMAL(10, 2))."""

_REASONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "reads or writes files",
        re.compile(
            r"read_|readfile|writefile|write_|fsdir|edit$|sniff_csv|parquet_|glob$|csv|"
            r"openrowset|openquery|opendatasource|bulk|arrow_scan|pandas_scan|python_|duckdb_external|"
            r"copy_|import_|export_|pg_read_|pg_ls_|pg_stat_file|lo_|st_read|sqlite_scan|postgres_|mysql_|http_"
        ),
    ),
    ("runs stored procedures", re.compile(r"sp_|xp_|sys\.")),
    (
        "loads or changes parts of the engine",
        re.compile(
            r"load_extension|fts3_tokenizer|rtree|fts5|set|nextval|checkpoint|force_|enable_|disable_|"
            r"register_|deregister_|create_|destroy_|truncate_|sqlite_log|optimize|dblink|attach"
        ),
    ),
    ("runs text as SQL", re.compile(r"query$|query_table$|json_execute|json_serialize|json_deserialize")),
    (
        "shows the configuration of the server",
        re.compile(
            r"getenv|getvariable|current_setting|duckdb_|pragma_|sqlite_|which_secret|current_query|pg_|"
            r"serverproperty|object_|suser|host_name|app_name|fn_|current_database|user"
        ),
    ),
    ("only waits", re.compile(r"sleep|pg_sleep|waitfor")),
    (
        "can make values of any size or run for hours without a way to stop it",
        re.compile(
            r"repeat|lpad|rpad|space$|replicate|zeroblob|randomblob|printf|format|json_patch|.*resize$"
        ),
    ),
)


def allowed_functions(dialect: str) -> frozenset[str]:
    """Lower-case names of the functions that typed SQL of this dialect may call."""
    return _ALLOWED.get(dialect, _ALLOWED[""])


def reason_against(name: str) -> str:
    """Why a function that is not allowed is refused, as the end of "The function NAME ..."; may be empty."""
    return next((reason for reason, pattern in _REASONS if pattern.match(name.lower())), "")


def _lists() -> Iterator[tuple[str, frozenset[str]]]:
    for dialect, names in {**_BY_DIALECT, "": _OTHER}.items():
        yield dialect, names_in(f"{_COMMON} {names}")


_ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(dict(_lists()))
