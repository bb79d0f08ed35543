"""What the ``ldap`` type wants to be told."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """Which entries, and how new ones are named."""

    url: str = field(metadata={"help": "ldap://host:389 or ldaps://host:636"})
    base_dn: str = field(metadata={"help": "where the accounts are, such as ou=people,dc=example,dc=org"})
    bind_dn: str | None = field(default=None, metadata={"help": "the name we sign in with"})
    rdn_attribute: str = field(default="uid", metadata={"help": "the attribute that names an entry"})
    object_classes: list[str] = field(
        default_factory=lambda: ["top", "person", "organizationalPerson", "inetOrgPerson"],
        metadata={"help": "object classes of a new entry; the last one is what is listed"},
    )
    uid_attribute: str = field(default="entryUUID", metadata={"help": "the attribute that identifies an entry"})
    multi_valued: list[str] = field(
        default_factory=list, metadata={"help": "attributes that are lists even with one value"}
    )
    active_attribute: str | None = field(default=None, metadata={"help": "the attribute that tells who is disabled"})
    active_value: str | None = field(default=None, metadata={"help": "its value for an active account, if it has one"})
    inactive_value: str = field(default="inactive", metadata={"help": "its value for a disabled account"})
    scope: str = field(
        default="subtree", metadata={"help": "how deep below the base", "choices": ("subtree", "one level")}
    )
    start_tls: bool = field(default=False, metadata={"help": "encrypt an ldap:// connection"})
    ca_file: str | None = field(default=None, metadata={"help": "file with the certificates to trust instead"})

    def problems(self) -> list[str]:
        parts = urlsplit(self.url)
        found = []
        if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname:
            found.append('"url" must begin with ldap:// or ldaps:// and name a host.')
        if parts.scheme == "ldaps" and self.start_tls:
            found.append('"start_tls" is for ldap://; ldaps:// is encrypted already.')
        if not self.object_classes:
            found.append('"object_classes" must name at least one.')
        return found
