"""Links two tables with a peer and prints scored pairs and seconds as JSON; run with the peers in PYTHONPATH.

    rivals.py splink|recordlinkage FOLDER

FOLDER has ``lefts.csv`` and, unless duplicates are looked for, ``rights.csv``, with the same columns. Settings follow
the peers' own guides for these sets; for organisations they are what those guides advise for such columns.
"""

import json
import logging
import sys
import time
import warnings
from pathlib import Path

import pandas as pd

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def table(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False).replace("", None).rename(columns={"id": "rec_id"})


def with_splink(lefts, rights):
    import splink.comparison_library as cl  # noqa: PLC0415 - only the peer that runs is loaded
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415 - as above

    common = {
        "unique_id_column_name": "rec_id",
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": False,
    }
    if "surname" in lefts.columns:
        blocks = [
            block_on("given_name", "surname"),
            "l.given_name = r.surname and l.surname = r.given_name",
            block_on("date_of_birth"),
            block_on("soc_sec_id"),
            block_on("state", "address_1"),
            block_on("street_number", "address_1"),
            block_on("postcode"),
        ]
        comparisons = [
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison(
                "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
            ),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
        ]
        certain, recall = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")], 0.8
        trained = ["date_of_birth", "postcode"]
    else:
        blocks = [
            block_on("employee_number"),
            block_on("email"),
            block_on("username"),
            block_on("phone"),
            block_on("given_name", "family_name"),
            "l.given_name = r.family_name and l.family_name = r.given_name",
            block_on("family_name", "department"),
            block_on("given_name", "department", "location"),
        ]
        comparisons = [
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("family_name").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
            cl.DamerauLevenshteinAtThresholds("employee_number", [1]),
            cl.JaroWinklerAtThresholds("username", [0.9]),
            cl.ExactMatch("phone"),
            cl.ExactMatch("department"),
            cl.ExactMatch("location"),
        ]
        certain, recall = [block_on("employee_number"), block_on("email", "family_name")], 0.6
        trained = ["email", "phone"]
    tables = [lefts] if rights is None else [lefts, rights]
    settings = SettingsCreator(
        link_type="dedupe_only" if rights is None else "link_only",
        blocking_rules_to_generate_predictions=blocks,
        comparisons=comparisons,
        **common,
    )
    linker = Linker(
        tables[0] if rights is None else tables,
        settings,
        db_api=DuckDBAPI(),
        input_table_aliases=None if rights is None else ["lefts", "rights"],
    )
    linker.training.estimate_probability_two_random_records_match(certain, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    for column in trained:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(column), estimate_without_term_frequencies=True
        )
    found = linker.inference.predict(threshold_match_probability=0.001).as_pandas_dataframe()
    ours = set(lefts.rec_id)
    for one, other, sure in zip(found.rec_id_l, found.rec_id_r, found.match_probability, strict=True):
        yield (one, other, float(sure)) if rights is None or one in ours else (other, one, float(sure))


def with_recordlinkage(lefts, rights):
    import recordlinkage  # noqa: PLC0415 - only the peer that runs is loaded

    frames = [frame.set_index("rec_id") for frame in ([lefts] if rights is None else [lefts, rights])]
    if "surname" in lefts.columns:
        blocks = ("given_name", "surname", "date_of_birth", "soc_sec_id", "postcode", "address_1")
        strings, numbers = ("given_name", "surname", "address_1", "suburb"), ("date_of_birth", "soc_sec_id", "postcode")
        exact = ("state", "street_number")
    else:
        blocks = ("employee_number", "email", "username", "phone", "family_name")
        strings, numbers = ("given_name", "family_name", "email", "username"), ("employee_number", "phone")
        exact = ("department", "location")
    index = recordlinkage.Index()
    for column in blocks:
        index.block(column)
    pairs = index.index(*frames)
    compare = recordlinkage.Compare()
    for column in strings:
        compare.string(column, column, method="jarowinkler", label=column)
    for column in numbers:
        compare.string(column, column, method="damerau_levenshtein", label=column)
    for column in exact:
        compare.exact(column, column, label=column)
    features = compare.compute(pairs, *frames).fillna(0.0)
    classifier = recordlinkage.ECMClassifier(binarize=0.85)
    classifier.fit(features)
    for (one, other), sure in classifier.prob(features).items():
        yield one, other, float(sure)


def main(engine, folder):
    lefts = table(folder / "lefts.csv")
    rights = table(folder / "rights.csv") if (folder / "rights.csv").exists() else None
    began = time.perf_counter()
    found = list({"splink": with_splink, "recordlinkage": with_recordlinkage}[engine](lefts, rights))
    print(json.dumps({"seconds": time.perf_counter() - began, "pairs": found}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
