"""Where a store is: an address that may be shown."""

import pytest

from study.store import StoreError
from study.store.location import DEFAULT_STORE, VARIABLE, store_location


@pytest.mark.parametrize("given", ["s3://key:secret@bucket/x", "s3://key@bucket/x", "gs://a:b/c@bucket"])
def test_an_address_with_credentials_is_refused_without_showing_them(given: str) -> None:
    with pytest.raises(StoreError, match=r"^(s3|gs)://\*\*\*@bucket.*holds no user, password or token") as told:
        store_location(given)
    assert "secret" not in str(told.value)


def test_an_address_with_a_signature_is_refused_without_showing_it() -> None:
    with pytest.raises(StoreError, match=r"^s3://bucket/x\?sig=\*\*\*: a store's address is shown"):
        store_location("s3://bucket/x?sig=abc")


@pytest.mark.parametrize(
    ("given", "way_out"),
    [
        ("s3:/robustness/st", r"would be a folder called s3: in this one; write s3://robustness/st, or \./s3:/robust"),
        ("gs:robustness", "write gs://robustness, or"),
        ("file:/nfs/st", "write /nfs/st, or"),
        ("S3:/robustness/st", "write s3://robustness/st, or"),
        ("S3://robustness/st", "small letters here; write s3://robustness/st$"),
        ("s3://", "the bucket is missing; write s3://BUCKET or s3://BUCKET/FOLDER$"),
        ("gs:///st", "the bucket is missing; write gs://BUCKET"),
    ],
)
def test_a_url_that_is_misspelt_is_refused_with_what_was_meant(given: str, way_out: str) -> None:
    with pytest.raises(StoreError, match=f"^{given}: .*{way_out}"):
        store_location(given)


@pytest.mark.parametrize("given", ["./s3:/st", "file:///nfs/st", "memory://a", "s3a://b", "dir:/x", "C:/st", "a b:c"])
def test_other_places_with_a_colon_are_taken_as_they_are(given: str) -> None:
    assert store_location(given) == given


def test_what_is_given_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "s3://bucket/of@home")
    assert store_location("/nfs/a:b@c") == "/nfs/a:b@c"
    assert store_location(None) == "s3://bucket/of@home"
    monkeypatch.delenv(VARIABLE)
    assert store_location(None) == DEFAULT_STORE
