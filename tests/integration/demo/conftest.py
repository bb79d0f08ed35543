"""The demo's three targets as real servers, each behind its own connector."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.conformance.targets.ldap import PASSWORD, PEOPLE, ROOT_DN, Slapd, slapd
from tests.conformance.targets.scim import TOKEN, ScimServer, scim_server
from worker.connectors import ConnectorContext
from worker.connectors.builtin.ldap import LdapConnector, LdapSettings
from worker.connectors.builtin.scim import ScimConnector, ScimSettings
from worker.connectors.builtin.sql import SqlConnector, SqlSettings
from worker.service.demo.targets import APP_DDL, ldap_config, scim_config, sql_config

__all__ = ["scim_server", "slapd"]


@pytest.fixture
async def sql_connector(empty_database: Any) -> AsyncIterator[SqlConnector]:
    connection = await asyncpg.connect(empty_database.owner_dsn)
    await connection.execute(APP_DDL)
    await connection.close()
    url = make_url(empty_database.owner_dsn)
    plain = url.set(drivername="postgresql")._replace(password=None).render_as_string()
    context = ConnectorContext("sql", {"password": url.password or ""})
    async with SqlConnector(SqlSettings(**sql_config(plain)), context) as connector:
        yield connector


@pytest.fixture
async def scim_connector(scim_server: ScimServer) -> AsyncIterator[ScimConnector]:
    settings = ScimSettings(**scim_config(f"http://127.0.0.1:{scim_server.port}/v2"))
    async with ScimConnector(settings, ConnectorContext("scim", {"token": TOKEN})) as connector:
        yield connector


@pytest.fixture
async def ldap_connector(slapd: Slapd) -> AsyncIterator[LdapConnector]:
    config = ldap_config(slapd.url, bind_dn=ROOT_DN) | {"base_dn": PEOPLE}
    async with LdapConnector(LdapSettings(**config), ConnectorContext("ldap", {"password": PASSWORD})) as connector:
        yield connector
