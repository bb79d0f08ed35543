from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from worker.connectors import build_settings, connector_class, connector_types, describe
from worker.connectors.catalog import description_of, settings_from
from worker.domain.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    url: str = field(metadata={"help": "where it is"})
    size: int = field(default=10, metadata={"help": "how much"})
    ratio: float | None = None
    names: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    is_fast: bool = False
    anything: Any = None
    depth: str = field(default="all", metadata={"choices": ("all", "one")})

    def problems(self) -> list[str]:
        return ['"size" is too large.'] if self.size > 100 else []


class Kind:
    """Something to connect to.

    With more words below.
    """

    type: ClassVar[str] = "kind"
    Settings = Settings
    secrets: ClassVar[dict[str, str]] = {"token": "what opens it"}

    async def search(self): ...


def test_good_configuration_becomes_settings():
    made = settings_from(Settings, {"url": "x", "ratio": 1, "names": ["a"], "columns": {"a": "b"}, "anything": [1]})

    assert made == Settings("x", ratio=1, names=["a"], columns={"a": "b"}, anything=[1])


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        pytest.param({}, '"url" is missing.', id="missing"),
        pytest.param({"url": ""}, '"url" is empty.', id="empty"),
        pytest.param({"url": 5}, '"url" must be string.', id="type"),
        pytest.param({"url": "x", "size": True}, '"size" must be integer.', id="boolean is no number"),
        pytest.param({"url": "x", "ratio": "much"}, '"ratio" must be number.', id="optional"),
        pytest.param({"url": "x", "names": ["a", 1]}, '"names" must be list of string.', id="list"),
        pytest.param({"url": "x", "columns": {"a": 1}}, '"columns" must be map of string.', id="map"),
        pytest.param({"url": "x", "depth": "two"}, '"depth" must be one of all, one.', id="choice"),
        pytest.param({"url": "x", "siez": 1}, 'There is no setting "siez". Did you mean "size"?', id="misspelt"),
        pytest.param({"url": "x", "size": 101}, '"size" is too large.', id="of its own check"),
    ],
)
def test_mistake_is_told(config, problem):
    with pytest.raises(SettingsError) as caught:
        settings_from(Settings, config)

    assert caught.value.fields["problems"] == [problem]
    assert problem in str(caught.value)


def test_every_mistake_is_told_at_once():
    with pytest.raises(SettingsError) as caught:
        settings_from(Settings, {"siez": 1, "is_fast": "yes", "zzz": 0})

    assert len(caught.value.fields["problems"]) == 4


def test_type_is_described_for_people():
    described = description_of(Kind)

    assert (described.type, described.summary) == ("kind", "Something to connect to.")
    assert described.capabilities == {"search"}
    assert described.secrets == ("token",)
    by_name = {one.name: one for one in described.fields}
    assert by_name["url"].is_required
    assert by_name["url"].help == "where it is"
    assert not by_name["size"].is_required
    assert by_name["size"].default == 10
    assert by_name["columns"].type == "map of string"
    assert by_name["depth"].choices == ("all", "one")
    assert by_name["token"].is_secret


def test_types_of_the_product_are_installed():
    assert set(connector_types()) >= {"csv", "ldap", "scim", "sql"}


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        pytest.param("csv", {"search", "get"}, id="csv"),
        pytest.param("sql", {"search", "ranges", "get", "sync", "create", "update", "delete"}, id="sql"),
        pytest.param("scim", {"search", "get", "sync", "create", "update", "delete"}, id="scim"),
        pytest.param("ldap", {"search", "get", "sync", "create", "update", "delete"}, id="ldap"),
    ],
)
def test_capabilities_follow_from_the_methods(name, capabilities):
    assert describe(name).capabilities == capabilities


def test_misspelt_type_is_told_with_a_suggestion():
    with pytest.raises(SettingsError, match='did you mean "ldap"'):
        connector_class("ldpa")


@pytest.mark.parametrize(
    ("kind", "config", "problem"),
    [
        pytest.param("sql", {"url": "mysql://a@b/c"}, "postgresql://", id="sql: another database"),
        pytest.param("sql", {"url": "postgresql://a:secret@b/c"}, "holds a password", id="sql: password in the url"),
        pytest.param("sql", {"url": "nonsense"}, "not a database URL", id="sql: no url"),
        pytest.param("scim", {"url": "ftp://a"}, "http or https", id="scim: no http"),
        pytest.param("scim", {"url": "https://me:secret@a"}, "holds credentials", id="scim: password in the url"),
        pytest.param("ldap", {"url": "http://a"}, "ldap:// or ldaps://", id="ldap: no ldap"),
        pytest.param("ldap", {"url": "ldaps://a", "start_tls": True}, "encrypted already", id="ldap: tls twice"),
        pytest.param("ldap", {"url": "ldap://a", "object_classes": []}, "at least one", id="ldap: no classes"),
        pytest.param("csv", {"path": "people.csv"}, "absolute", id="csv: relative path"),
        pytest.param("csv", {"path": "/a", "delimiter": ";;"}, "one character", id="csv: delimiter"),
        pytest.param("csv", {"path": "/a", "encoding": "latin-99"}, "no encoding", id="csv: encoding"),
    ],
)
def test_settings_of_a_type_are_checked(kind, config, problem):
    required = {"sql": {"table": "t", "key": "id"}, "ldap": {"base_dn": "dc=x"}, "csv": {"key": "id"}, "scim": {}}
    with pytest.raises(SettingsError, match=problem) as caught:
        build_settings(kind, {**required[kind], **config})

    assert "secret" not in str(caught.value)
