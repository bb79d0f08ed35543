"""Named statements out of a file."""

from worker.store.sql import parse

TEXT = """
-- part: mine
-- Why it is so.
t.tenant_id = :tenant_id AND t.kind = :kind

-- name: count
-- How many.
SELECT count(*) FROM t WHERE {mine}

-- name: page
-- moves: a -> b
SELECT '{}'::jsonb, '{unknown}' FROM t WHERE {mine} AND t.id > :after ORDER BY :kind
"""


def test_what_statements_share_is_written_once() -> None:
    queries = parse(TEXT)

    assert [query.name for query in queries] == ["count", "page"]
    assert queries.count.text == "SELECT count(*) FROM t WHERE t.tenant_id = $1 AND t.kind = $2"
    assert queries.page.parameters == ("tenant_id", "kind", "after")
    assert queries.page.text.endswith("WHERE t.tenant_id = $1 AND t.kind = $2 AND t.id > $3 ORDER BY $2")


def test_comments_belong_to_their_statement_and_braces_in_texts_stay() -> None:
    queries = parse(TEXT)

    assert queries.page.comment == "-- moves: a -> b"
    assert queries.count.comment == "-- How many."
    assert queries.page.text.startswith("SELECT '{}'::jsonb, '{unknown}' FROM t")
