"""No password or token that a user gives is kept or printed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from command import scalesearch
from hypothesis import given
from hypothesis import strategies as st

from scalesearch.redaction import redacted, redacted_command, redacted_line

SECRET = "s3cr3tw0rd"
URLS = [
    f"postgresql://me:{SECRET}@host/db",
    f"postgresql://me:{SECRET}/more@host/db",
    f"postgresql://me:a/{SECRET}@host/db",
    f"postgresql://me:a@{SECRET}@host:5432/db",
    f"postgresql://me:a:{SECRET}@host/db",
    f"postgresql://me:a?{SECRET}@host/db",
    f"postgresql+psycopg://:{SECRET}@host",
    f"postgresql://host/db?user=me&password={SECRET}",
    f"postgresql://host/db?sslmode=require&sslpassword={SECRET}&user=me",
    f"host=h password={SECRET} user=me",
    f"--storage=mysql://me:{SECRET}@host/db",
    f"https://me:{SECRET}@hub.example/data",
    f"https://hub.example/data?access_token={SECRET}",
    f"hf:me/data?token={SECRET}",
    "hf:me/data@hf_s3cr3tw0rdS3CR3Tw0rd",
    f"hf:https:/me:{SECRET}@hub.example/data",
    f"me:{SECRET}@host/db",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC%7D%3BUID%3Dme%3BPWD%3D{SECRET}",
    f"postgresql://host/db?password=my {SECRET}&user=me",
    f"host=h password='my {SECRET}' user=me",
    f"Server=host;Password=a;{SECRET};Uid=1",
    f"postgresql:me:{SECRET}@host/db",
    f"mysql://host/db?ssl_key={SECRET}&user=me",
    f"https://{SECRET}@host/x",
    f"https://{SECRET}:x-oauth-basic@host/x",
    f"foo://{SECRET}@host/x",
    f"git+https://{SECRET}@host/x",
    f"--storage=mine+driver://{SECRET}@host/x",
    f"postgresql://host/db?pass%77ord={SECRET}&user=me",
    f"https://host/x?sig={SECRET}",
    f"https://host/x?X-Amz-Signature={SECRET}&user=me",
    f"hf:me/data@nvapi-{SECRET}{SECRET}",
    f"hf:me/data@AKIA{SECRET}{SECRET}",
    f"hf:me/data@eyJ{SECRET}.eyJ{SECRET}.{SECRET}",
]


@pytest.mark.parametrize("url", URLS)
def test_secrets_are_hidden_and_the_rest_is_not(url: str) -> None:
    shown = redacted(url)
    assert SECRET not in shown
    assert "***" in shown
    for kept in ("host", "hub.example", "user=me", "sslmode=require", "hf:me/data"):
        assert (kept in url) == (kept in shown)


@pytest.mark.parametrize(
    "word",
    [
        "sqlite:///a@b.db",
        "sqlite:///a:b.db",
        "hf:one/two",
        "postgresql://me@host:5432/db",
        "ray://host:10001",
        "results/a@b:c",
        "--phi",
        "1.5",
        "127.0.0.1:6379",
        "α@β:γ",
        "https://host:8080/x?page=2&design=b",
        "hf:stanfordcars/keys@main",
        "C:/results/a",
    ],
)
def test_what_holds_no_secret_stays(word: str) -> None:
    assert redacted(word) == word


@given(st.text(st.characters(blacklist_categories=["C"]), min_size=8, max_size=20), st.sampled_from("ab"))
def test_what_sqlalchemy_takes_for_a_password_is_hidden(password: str, user: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    url = f"postgresql://{user}:{password}@host/db"
    try:
        found = make_url(url).password
    except (ArgumentError, ValueError):
        return
    if found is not None and len(str(found)) > 7:
        assert str(found) not in redacted(url)


def test_lines_are_redacted_word_by_word() -> None:
    words = ["scalesearch", "grid", "--storage", URLS[0], "--name", "a b"]
    line = redacted_command(words)
    assert SECRET not in line
    assert shlex.split(line)[-1] == "a b"
    assert redacted_line(shlex.join(words)) == line
    assert SECRET not in redacted_line(f"open ' quote {URLS[0]}")


@pytest.mark.parametrize("url", URLS[:6])
def test_a_url_that_cannot_be_used_is_one_line_without_it(url: str, tmp_path: Path) -> None:
    words = ("grid", "--baseline", "tiny", "--budget", "smoke", "--sampler", "random", "--storage", url)
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode in (2, 4)
    assert len(done.stderr.splitlines()) == 1
    assert SECRET not in done.stderr


def test_nothing_in_a_run_folder_holds_it(tmp_path: Path) -> None:
    """A training under a name with a token in it: its record, and what it prints."""
    folder = tmp_path / f"set token={SECRET}"
    words = (
        "train",
        "tiny",
        "--data",
        str(folder),
        "--resolution",
        "8",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--batch",
        "8",
    )
    from PIL import Image

    for label in range(2):
        (folder / f"c{label}").mkdir(parents=True)
        for index in range(12):
            Image.new("RGB", (9, 9), (20 * index, 90 * label, 7)).save(folder / f"c{label}" / f"{index}.png")
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    record = (tmp_path / "results" / "tiny-train-fast" / "run.json").read_text(encoding="utf-8")
    assert json.loads(record)["command"].startswith("scalesearch train tiny --data")
    assert SECRET not in record
