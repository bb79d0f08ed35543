"""The connector types that come with the product; each is imported when its type is first used."""
