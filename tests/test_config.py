"""Settings are found where they are written, and what is wrong with them is said with its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_tmsreport.config import Config, Settings, destination, good_sets, load, manual
from pytest_tmsreport.convert import Line
from pytest_tmsreport.errors import ConfigError
from pytest_tmsreport.model import Outcome
from pytest_tmsreport.sources import FILES, Found, Source, find_root, read
from pytest_tmsreport.vendor import find, is_secret, names
from pytest_tmsreport.vendors.qase import Qase

SECRET = "s3cret-t0ken"
TOKEN = {"TMSREPORT_QASE_TOKEN": SECRET}

INI = """
[tmsreport]
# a comment
run_name = {branch} #{build}; 100% of a=b [größe]
; another comment
on_loss = fail
tags = nightly, linux
deadline_s = 2.5
mask =
    card-\\d+, and more
    # a comment between
    (?i)iban=\\w+

[tmsreport:qase]
project = SHOP
complete = no
batch_size = 50
configurations = Browser=Chrome, OS=Linux
status.xfailed = blocked

[tmsreport:web]
vendor = qase
project = WEB
"""
TOML = r"""
[{0}tmsreport]
run_name = "{{branch}} #{{build}}; 100% of a=b [größe]"  # a comment
on_loss = "fail"
tags = ["nightly", "linux"]
deadline_s = 2.5
mask = ['card-\d+, and more', '(?i)iban=\w+']

[{0}tmsreport.qase]
project = "SHOP"
complete = false
batch_size = 50
configurations = {{ Browser = "Chrome", OS = "Linux" }}
status = {{ xfailed = "blocked" }}

[{0}tmsreport.web]
vendor = "qase"
project = "WEB"
"""
CONTENT = {
    "pytest.toml": "[pytest]\nxfail_strict = true\n" + TOML.format(""),
    ".pytest.toml": "[pytest]\nxfail_strict = true\n" + TOML.format(""),
    "pytest.ini": "[pytest]\nxfail_strict = true\n" + INI,
    ".pytest.ini": "[pytest]\nxfail_strict = true\n" + INI,
    "pyproject.toml": "[tool.pytest.ini_options]\nxfail_strict = true\n" + TOML.format("tool."),
    "tox.ini": "[tox]\nenvlist = py\n[pytest]\nxfail_strict = true\n" + INI,
    "setup.cfg": "[metadata]\nname = shop\n[tool:pytest]\nxfail_strict = true\n" + INI,
}
INI_FILES = [name for name in FILES if not name.endswith(".toml")]


def write(root: Path, text: str, name: str = "pytest.ini") -> Path:
    (root / name).write_text(text, encoding="utf-8")
    return root / name


def qase(config: Config, name: str = "qase") -> Qase:
    """The destination of that name; its problem is raised where it has one."""
    for error in config.problems.values():
        raise error
    return cast("Qase", next(each for each in config.destinations if each.name == name))


def problem(root: Path, environ: dict[str, str] | None = None, name: str = "qase", sets: Sequence[str] = ()) -> str:
    """What is wrong with a destination's settings (`""`: with those of all), which is then off."""
    config = load(root, TOKEN if environ is None else environ, sets=sets)
    assert name not in [each.name for each in config.destinations]
    return str(config.problems[name])


def test_every_kind_of_settings_file_has_its_example_here() -> None:
    assert tuple(CONTENT) == FILES


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_settings_file_says_the_same(name: str, tmp_path: Path) -> None:
    write(tmp_path, CONTENT[name], name)
    config = load(tmp_path, {**TOKEN, "TMSREPORT_WEB_TOKEN": "an0ther"})
    assert config.problems == {}
    assert config.settings == Settings(
        run_name="{branch} #{build}; 100% of a=b [größe]",
        on_loss="fail",
        tags=("nightly", "linux"),
        deadline_s=2.5,
        mask=(Line(r"card-\d+, and more"), Line(r"(?i)iban=\w+")),
    )
    assert config.destinations == (
        Qase(
            name="qase",
            kind="qase",
            project="SHOP",
            token=SECRET,
            complete=False,
            batch_size=50,
            configurations={"Browser": "Chrome", "OS": "Linux"},
            status={"xfailed": "blocked"},
        ),
        Qase(name="web", kind="qase", project="WEB", token="an0ther"),
    )
    assert config.mask("IBAN=12 card-7 card-7, and more s3cret-t0ken an0ther") == "*** card-7 *** *** ***"


@pytest.mark.parametrize("name", FILES)
def test_a_pytest_without_the_plugin_takes_the_same_file(name: str, tmp_path: Path) -> None:
    write(tmp_path, CONTENT[name], name)
    write(tmp_path, "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    assert 0\n", "test_it.py")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "TMSREPORT_"))}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--strict-config",
            "--strict-markers",
            "-W",
            "error",
            "-p",
            "no:cacheprovider",
        ],
        cwd=tmp_path,
        env={**environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "1 xfailed" in done.stdout
    assert done.stderr == ""
    assert done.returncode == 0


def test_settings_in_two_files_are_an_error_that_names_both(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n", "tox.ini")
    write(tmp_path, '[tool.tmsreport.qase]\nproject = "SHOP"\n', "pyproject.toml")
    said = problem(tmp_path, name="")
    assert str(tmp_path / "tox.ini") in said
    assert str(tmp_path / "pyproject.toml") in said


def test_a_file_that_is_not_about_us_may_stand_beside_ours(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n", "tox.ini")
    write(tmp_path, '[project]\nname = "x"\ndependencies = ["pytest-tmsreport"]\n', "pyproject.toml")
    write(tmp_path, "[mypy-tmsreport.*]\nignore = 1\n", "setup.cfg")
    assert qase(load(tmp_path, TOKEN)).project == "SHOP"


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        pytest.param("setup.cfg", "[tool:tmsreport]\non_loss = fail\n", "[tmsreport]", id="like-pytest-in-setup-cfg"),
        pytest.param("tox.ini", "[tool:tmsreport:qase]\nproject = SHOP\n", "[tmsreport]", id="tool-in-ini"),
        pytest.param("pytest.ini", "[tmsreport.qase]\nproject = SHOP\n", "[tmsreport]", id="dot-in-ini"),
        pytest.param("pyproject.toml", '[tmsreport]\non_loss = "fail"\n', "[tool.tmsreport]", id="no-tool"),
        pytest.param("pytest.toml", '[tool.tmsreport.qase]\nproject = "X"\n', "[tmsreport]", id="tool-in-pytest-toml"),
        pytest.param("pyproject.toml", '  [ "tmsreport" . qase ]\nproject = "X"\n', "[tool.tmsreport]", id="spaces"),
        pytest.param(
            "pytest.ini",
            "[tmsreport]\non_loss = fail\n[tmsreport.qase]\nproject = SHOP\n",
            "[tmsreport]",
            id="one-right-one-wrong-in-ini",
        ),
        pytest.param(
            "pyproject.toml",
            '[tool.tmsreport]\non_loss = "fail"\n[tmsreport.qase]\nproject = "SHOP"\n',
            "[tool.tmsreport]",
            id="one-right-one-wrong-in-toml",
        ),
    ],
)
def test_a_section_under_a_wrong_name_is_an_error_that_says_the_right_one(
    name: str, text: str, right: str, tmp_path: Path
) -> None:
    file = write(tmp_path, text, name)
    said = problem(tmp_path, name="")
    assert said.startswith(f"{file} has a section of tmsreport under a wrong name")
    assert said.endswith(f"write {right}")


@pytest.mark.parametrize(
    "text",
    ['[tool . tmsreport . qase]\nproject = "SHOP"\n', '  [tool.tmsreport."qase"]\n  project = "SHOP"\n'],
    ids=["spaces", "indented-and-quoted"],
)
def test_toml_may_be_written_freely(text: str, tmp_path: Path) -> None:
    write(tmp_path, text, "pyproject.toml")
    assert qase(load(tmp_path, TOKEN)).project == "SHOP"


STRANGE = """
[other]
not a key at all
= no key
%(missing)s = ${also:missing}
    an indented line
      [tmsreport:indented]
[ unclosed
key : value

"""


@pytest.mark.parametrize("name", INI_FILES)
def test_what_other_tools_write_around_our_sections_is_not_ours_to_judge(name: str, tmp_path: Path) -> None:
    text = "junk before any section\n[DEFAULT]\nproject = WRONG\n"
    text += f"{STRANGE}[tmsreport]\non_loss = fail\n{STRANGE}[tmsreport:qase] # ours\nproject = SHOP\n{STRANGE}"
    write(tmp_path, text, name)
    config = load(tmp_path, TOKEN)
    assert config.settings == Settings(on_loss="fail")
    assert config.destinations == (Qase(name="qase", kind="qase", project="SHOP", token=SECRET),)


@pytest.mark.parametrize(
    ("name", "text"),
    [("pytest.ini", "[tmsreport:qase]\nproject = SHOP\n"), ("pytest.toml", '[tmsreport.qase]\nproject = "SHOP"\n')],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"], ids=["bom", "no-bom"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(
    name: str, text: str, encoding: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert qase(load(tmp_path, TOKEN)).project == "SHOP"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("pyproject.toml", b"[tool.tmsreport]\non_loss = fail\n", id="broken-toml"),
        pytest.param("pyproject.toml", b'[tool.tmsreport]\nrun_name = "\xff"\n', id="toml-of-another-encoding"),
        pytest.param("pytest.ini", b"[tmsreport]\nrun_name = \xff\n", id="ini-of-another-encoding"),
    ],
)
def test_a_file_of_ours_that_cannot_be_read_is_an_error_that_names_it(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert problem(tmp_path, name="").startswith(f"{tmp_path / name} cannot be read: ")


@pytest.mark.parametrize("line", ["on_loss", "on_loss: fail"], ids=["no-value", "colon"])
def test_a_line_without_an_equals_sign_is_an_error_that_shows_it(line: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport]\n{line}\n")
    assert f"in [tmsreport], '{line}' is followed by no `=`" in problem(tmp_path, name="")


def test_a_broken_file_that_is_not_about_us_is_none_of_our_business(tmp_path: Path) -> None:
    write(tmp_path, "[tool.other\n", "pyproject.toml")
    assert read(tmp_path) == Found({}, "", frozenset())


@pytest.mark.parametrize(
    "value",
    ["#7", "a # b", "a ; b", "50%", "%(branch)s %%", "a=b==c", "a: b", "[x]", "größe 测试 🎉", '"quoted"', "$HOME {x}"],
)
def test_an_odd_value_is_just_text(value: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport]\nrun_name = {value}\n")
    assert load(tmp_path, {}).settings.run_name == value


def test_a_value_may_go_on_in_indented_lines(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport]\ntags = one\n    two\n  # not this\n    three, four\non_loss = fail\n")
    assert load(tmp_path, {}).settings == Settings(tags=("one", "two", "three", "four"), on_loss="fail")


def test_the_root_is_the_nearest_folder_upwards_that_has_settings(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    write(tmp_path, "[tmsreport]\n", "tox.ini")
    write(tmp_path / "a", "[pytest]\n", "pytest.ini")
    assert find_root(inner) == tmp_path
    write(tmp_path / "a", "[tmsreport:qase]\n", "pytest.ini")
    assert find_root(inner) == tmp_path / "a"


def test_without_settings_the_root_is_where_one_stands(tmp_path: Path) -> None:
    assert find_root(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("sets", "environ", "text", "branch"),
    [
        pytest.param(["qase.host=set"], {"TMSREPORT_QASE_HOST": "own"}, "host = file", "set", id="option-first"),
        pytest.param(
            [], {"TMSREPORT_QASE_HOST": "own", "QASE_TESTOPS_API_HOST": "tool"}, "host = file", "own", id="own-variable"
        ),
        pytest.param([], {"QASE_TESTOPS_API_HOST": "tool"}, "host = file", "tool", id="variable-of-the-tool"),
        pytest.param([], {"TMSREPORT_QASE_HOST": ""}, "host = file", "file", id="empty-variable-says-nothing"),
        pytest.param([], {}, "host = file", "file", id="file"),
        pytest.param([], {}, "", "qase.io", id="default"),
    ],
)
def test_a_setting_is_looked_up_in_order(
    sets: list[str], environ: dict[str, str], text: str, branch: str, tmp_path: Path
) -> None:
    write(tmp_path, f"[tmsreport:qase]\nproject = SHOP\n{text}\n")
    assert qase(load(tmp_path, {**TOKEN, **environ}, sets=sets)).host == branch


@pytest.mark.parametrize(
    ("sets", "environ", "value"),
    [
        (["on_loss=fail"], {"TMSREPORT_ON_LOSS": "ignore"}, "fail"),
        ([], {"TMSREPORT_ON_LOSS": "ignore"}, "ignore"),
        ([], {}, "warn"),
    ],
    ids=["option", "variable", "file"],
)
def test_a_setting_for_all_is_looked_up_in_the_same_order(
    sets: list[str], environ: dict[str, str], value: str, tmp_path: Path
) -> None:
    write(tmp_path, "[tmsreport]\non_loss = warn\n")
    assert load(tmp_path, environ, sets=sets).settings.on_loss == value


def test_a_destination_needs_no_file(tmp_path: Path) -> None:
    environ = {"QASE_TESTOPS_API_TOKEN": SECRET, "QASE_TESTOPS_PROJECT": "SHOP"}
    assert qase(load(tmp_path, environ, only=["qase"])) == Qase(name="qase", kind="qase", project="SHOP", token=SECRET)


def test_the_tools_own_variables_are_not_for_a_destination_of_another_name(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:web]\nvendor = qase\nproject = WEB\n")
    environ = {"QASE_TESTOPS_API_TOKEN": SECRET, "QASE_TESTOPS_PROJECT": "SHOP"}
    assert "set TMSREPORT_WEB_TOKEN" in problem(tmp_path, environ, name="web")
    assert qase(load(tmp_path, {**environ, "TMSREPORT_WEB_TOKEN": "x"}), "web").project == "WEB"


def test_two_projects_of_one_tool_are_two_destinations(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:web]\nvendor = qase\nproject = WEB\n[tmsreport:api]\nvendor = qase\nproject = API\n")
    config = load(tmp_path, {"TMSREPORT_WEB_TOKEN": "web-token", "TMSREPORT_API_TOKEN": "api-token"})
    assert config.destinations == (
        Qase(name="web", kind="qase", project="WEB", token="web-token"),
        Qase(name="api", kind="qase", project="API", token="api-token"),
    )
    assert config.wanted == {"web": "qase", "api": "qase"}
    assert {"qase", "web", "api"} <= config.vendor_names()


def test_an_option_may_hold_an_equals_sign(tmp_path: Path) -> None:
    assert load(tmp_path, {}, sets=["run_name=a=b"]).settings.run_name == "a=b"


@pytest.mark.parametrize(
    ("sets", "environ"),
    [(["qase.status.failed=blocked"], {}), ([], {"TMSREPORT_QASE_STATUS_FAILED": "blocked"})],
    ids=["option", "variable"],
)
def test_the_word_for_an_outcome_may_come_from_anywhere(
    sets: list[str], environ: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\nstatus.failed = retest\nstatus.xfailed = known\n")
    vendor = qase(load(tmp_path, {**TOKEN, **environ}, sets=sets))
    words = [vendor.word(outcome) for outcome in (Outcome.FAILED, Outcome.XFAILED, Outcome.PASSED)]
    assert words == ["blocked", "known", "passed"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", f"[tmsreport:qase]\nproject = SHOP\ntoken = {SECRET}\n"),
        ("pyproject.toml", f'[tool.tmsreport.qase]\nproject = "SHOP"\ntoken = "{SECRET}"\n'),
        ("pytest.ini", f"[tmsreport:qase]\nproject = SHOP\ntoken_file = {SECRET}\n"),
    ],
    ids=["ini", "toml", "name-of-a-file"],
)
def test_a_token_in_a_settings_file_is_an_error_that_says_where_to_put_it(name: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, text, name)
    said = problem(tmp_path)
    assert "is a secret and stands in [" in said
    assert f"of {name}: " in said
    assert "set TMSREPORT_QASE_TOKEN, or name a file with TMSREPORT_QASE_TOKEN_FILE" in said
    assert SECRET not in said


def test_a_token_on_the_command_line_is_an_error_that_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"is a secret and stands in --tms-set: .* set TMSREPORT_QASE_TOKEN"
    ) as caught:
        load(tmp_path, {}, sets=[f"qase.token={SECRET}"], only=["qase"])
    assert SECRET not in str(caught.value)


def test_a_missing_token_is_an_error_that_names_its_variables(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    said = problem(tmp_path, {})
    assert "set TMSREPORT_QASE_TOKEN in the environment, or name a file in TMSREPORT_QASE_TOKEN_FILE" in said


def test_a_token_may_stand_in_a_file_that_the_environment_names(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    file = write(tmp_path, f"{SECRET}\n", "token.txt")
    config = load(tmp_path, {"TMSREPORT_QASE_TOKEN_FILE": str(file)})
    assert qase(config).token == SECRET
    assert config.mask(f"with {SECRET}") == "with ***"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "binary"])
def test_a_token_file_that_cannot_be_read_is_an_error_that_names_the_variable(
    content: bytes | None, tmp_path: Path
) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    file = tmp_path / "token.txt"
    if content is not None:
        file.write_bytes(content)
    said = problem(tmp_path, {"TMSREPORT_QASE_TOKEN_FILE": str(file)})
    assert said.startswith("TMSREPORT_QASE_TOKEN_FILE names a file that cannot be read")


def test_an_empty_token_file_holds_no_token(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    file = write(tmp_path, "\n", "token.txt")
    assert "`token` is missing" in problem(tmp_path, {"TMSREPORT_QASE_TOKEN_FILE": str(file)})


@pytest.mark.parametrize("token", ["one\ntwo", "tok\x00en", "tökén", "“token”"], ids=["newline", "nul", "é", "quotes"])
def test_a_token_that_cannot_stand_in_a_header_is_an_error_that_does_not_show_it(token: str, tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    said = problem(tmp_path, {"TMSREPORT_QASE_TOKEN": token})
    assert said.startswith("TMSREPORT_QASE_TOKEN holds characters that no token has")
    assert token not in said


def test_space_around_a_token_is_not_part_of_it(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    assert qase(load(tmp_path, {"TMSREPORT_QASE_TOKEN": f" {SECRET}\n"})).token == SECRET


def test_a_token_does_not_show_where_a_destination_is_printed(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    config = load(tmp_path, TOKEN)
    assert qase(config).token == SECRET
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    ("environ", "sets", "only"),
    [
        pytest.param({"TMSREPORT_QASE_TOKEN": SECRET}, [], [], id="of-a-destination"),
        pytest.param({"QASE_TESTOPS_API_TOKEN": SECRET}, [], ["web"], id="of-a-tool-that-is-not-reported-to"),
        pytest.param({"TMSREPORT_WEB_TOKEN": SECRET}, [], ["qase"], id="of-a-section-that-is-not-reported-to"),
        pytest.param(
            {"TMSREPORT_APP_TOKEN": SECRET, "TMSREPORT_APP_VENDOR": "qase"}, [], ["app"], id="of-a-name-in-variables"
        ),
        pytest.param({"TMSREPORT_APP_TOKEN": SECRET}, ["app.vendor=qase"], ["app"], id="of-a-name-in-options"),
        pytest.param({"TMSREPORT_PROXY": f"http://me:{SECRET}@proxy.test"}, [], [], id="of-the-proxy"),
    ],
)
def test_every_secret_in_sight_is_masked(
    environ: dict[str, str], sets: list[str], only: list[str], tmp_path: Path
) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n[tmsreport:web]\nvendor = qase\nproject = WEB\n")
    config = load(tmp_path, environ, sets=sets, only=only)
    assert config.mask(f"with {SECRET}!") == "with ***!"


def test_a_secret_is_masked_although_the_settings_are_wrong(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport]\nmask = (\n[tmsreport:qase]\nproject = SHOP\n")
    config = load(tmp_path, TOKEN)
    assert "`mask` holds no regular expression: '('" in str(config.problems[""])
    assert config.mask(SECRET) == "***"


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        pytest.param(
            "[tmsreport:qase]\nprojct = SHOP\n",
            "qase",
            "[tmsreport:qase] of pytest.ini holds an unknown key `projct`; did you mean `project`?",
            id="of-a-destination",
        ),
        pytest.param(
            "[tmsreport]\nrunname = x\n",
            "",
            "[tmsreport] of pytest.ini holds an unknown key `runname`; did you mean `run_name`?",
            id="of-all",
        ),
        pytest.param(
            "[tmsreport:qase]\nstatus.xfail = x\n",
            "qase",
            "[tmsreport:qase] of pytest.ini holds an unknown key `status.xfail`; did you mean `status.xfailed`?",
            id="outcome",
        ),
        pytest.param(
            "[tmsreport:qase]\nzzzzzz = x\n",
            "qase",
            "[tmsreport:qase] of pytest.ini holds an unknown key `zzzzzz`",
            id="like-nothing",
        ),
        pytest.param(
            "[tmsreport:qase]\nname = x\n",
            "qase",
            "[tmsreport:qase] of pytest.ini holds an unknown key `name`",
            id="ours",
        ),
    ],
)
def test_an_unknown_key_is_an_error_that_suggests_the_nearest(text: str, name: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    assert problem(tmp_path, name=name).startswith(said)


@pytest.mark.parametrize(
    ("name", "text", "section"),
    [
        ("pytest.ini", "[tmsreport:qase]\n", "[tmsreport:qase]"),
        ("pytest.toml", "[tmsreport.qase]\n", "[tmsreport.qase]"),
        ("pyproject.toml", "[tool.tmsreport.qase]\n", "[tool.tmsreport.qase]"),
    ],
    ids=["ini", "toml", "pyproject"],
)
def test_a_missing_key_is_an_error_that_names_section_and_variable(
    name: str, text: str, section: str, tmp_path: Path
) -> None:
    write(tmp_path, text, name)
    said = f"`project` is missing: add `project = …` to {section}, or set TMSREPORT_QASE_PROJECT"
    assert problem(tmp_path) == said


@pytest.mark.parametrize("word", ["true", "TRUE", "yes", "on", "1"])
def test_words_for_true(word: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport:qase]\nproject = SHOP\ndefect = {word}\n")
    assert qase(load(tmp_path, TOKEN)).defect is True


@pytest.mark.parametrize("word", ["false", "False", "no", "off", "0"])
def test_words_for_false(word: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport:qase]\nproject = SHOP\ncomplete = {word}\n")
    assert qase(load(tmp_path, TOKEN)).complete is False


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        pytest.param("[tmsreport]\non_loss = explode", "", "it can be ignore, warn, fail", id="no-choice"),
        pytest.param("[tmsreport]\ndeadline_s = soon", "", "it must be a number, not below zero", id="no-number"),
        pytest.param("[tmsreport]\ndeadline_s = -1", "", "it must be a number, not below zero", id="negative"),
        pytest.param("[tmsreport]\ndeadline_s = nan", "", "it must be a number, not below zero", id="nan"),
        pytest.param("[tmsreport]\ndeadline_s = inf", "", "it must be a number, not below zero", id="infinite"),
        pytest.param("[tmsreport:qase]\nproject = A1\nplan = 1.5", "qase", "it must be a number", id="no-whole-number"),
        pytest.param("[tmsreport:qase]\nproject = A1\nplan =", "qase", "it must be a number", id="empty-number"),
        pytest.param("[tmsreport:qase]\nproject = A1\ndefect = maybe", "qase", "it can be true or false", id="no-bool"),
        pytest.param(
            "[tmsreport:qase]\nproject = A1\nconfigurations = x", "qase", "key=value, key=value", id="no-pairs"
        ),
        pytest.param(
            "[tmsreport:qase]\nproject = A1\nattempts = all", "qase", "it can be last, each", id="no-attempts"
        ),
        pytest.param("[tmsreport]\nscreenshots = all", "", "it can be failed, none", id="no-screenshots"),
        pytest.param("[tmsreport]\nfixtures = some", "", "it can be true or false", id="no-fixtures"),
    ],
)
def test_a_wrong_value_is_an_error_that_says_what_it_can_be(text: str, name: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, text + "\n")
    found = problem(tmp_path, name=name)
    assert said in found
    assert "of pytest.ini; " in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('project = ["SHOP"]', "`qase.project` is ['SHOP'] in [tmsreport.qase] of pytest.toml", id="list"),
        pytest.param('project = "SHOP"\nplan = true', "`qase.plan` is True", id="bool-for-a-number"),
        pytest.param('project = "SHOP"\ndefect = 7', "it can be true or false", id="number-for-a-bool"),
        pytest.param('project = "SHOP"\nattempts = ["last"]', "it can be last, each", id="list-for-a-choice"),
        pytest.param('project = "SHOP"\nhost = { a = 1 }', "it must be a text", id="table-for-a-text"),
        pytest.param('project = "SHOP"\nstatus = "x"', "unknown key `status`", id="text-for-statuses"),
    ],
)
def test_a_toml_value_of_a_wrong_type_is_an_error(text: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport.qase]\n{text}\n", "pytest.toml")
    assert said in problem(tmp_path)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        pytest.param("[tmsreport]\nread_marks = bbd", "", "names 'bbd'; did you mean `bdd`?", id="read-marks"),
        pytest.param("[tmsreport]\nread_marks = nnone", "", "names 'nnone'; did you mean `none`?", id="no-marks"),
        pytest.param("[tmsreport:qase]\nproject = A1\nmarks = bbd", "qase", "did you mean `bdd`?", id="marks"),
        pytest.param(
            "[tmsreport:qase]\nproject = A1\nnames = C(\\d+", "qase", "is no regular expression", id="open-bracket"
        ),
        pytest.param(
            "[tmsreport:qase]\nproject = A1\nnames = C(\\d+)", "qase", "it needs a group for the id", id="no-group"
        ),
    ],
)
def test_where_words_come_from_is_checked_before_the_first_test(
    text: str, name: str, said: str, tmp_path: Path
) -> None:
    write(tmp_path, text + "\n")
    assert said in problem(tmp_path, name=name)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"environ": {"TMSREPORT_ON_LOSS": "x"}}, "`on_loss` is 'x' in TMSREPORT_ON_LOSS;"),
        ({"environ": {}, "sets": ["on_loss=x"]}, "`on_loss` is 'x' in --tms-set on_loss;"),
    ],
    ids=["variable", "option"],
)
def test_a_wrong_value_is_said_with_its_place(where: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert problem(tmp_path, name="", **where).startswith(said)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "tags = a, b ,,c"),
        ("pytest.ini", "tags =\n  a\n  b\n\n  c"),
        ("pytest.toml", 'tags = ["a", "b", "c"]'),
        ("pytest.toml", 'tags = "a, b, c"'),
    ],
    ids=["commas", "lines", "toml-list", "toml-text"],
)
def test_a_list_has_many_forms(name: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport]\n{text}\n", name)
    assert load(tmp_path, {}).settings.tags == ("a", "b", "c")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[tmsreport:qase]\nproject = SHOP\nconfigurations = OS = Linux, Arg = -x=1"),
        ("pytest.ini", "[tmsreport:qase]\nproject = SHOP\nconfigurations =\n  OS=Linux\n  Arg=-x=1"),
        ("pytest.toml", '[tmsreport.qase]\nproject = "SHOP"\nconfigurations = "OS=Linux, Arg=-x=1"'),
        ("pytest.toml", '[tmsreport.qase]\nproject = "SHOP"\nconfigurations = ["OS=Linux", "Arg=-x=1"]'),
        (
            "pytest.toml",
            '[tmsreport.qase]\nproject = "SHOP"\n[tmsreport.qase.configurations]\nOS = "Linux"\nArg = "-x=1"',
        ),
    ],
    ids=["commas", "lines", "toml-text", "toml-list", "toml-table"],
)
def test_a_mapping_has_many_forms(name: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, text + "\n", name)
    assert qase(load(tmp_path, TOKEN)).configurations == {"OS": "Linux", "Arg": "-x=1"}


@pytest.mark.parametrize(
    "url",
    [
        "https://tms.test",
        "https://tms.test:8443/base/",
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://127.1.2.3",
        "http://[::1]:8000",
    ],
)
def test_https_and_this_machine_are_fine(url: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport:qase]\nproject = SHOP\nurl = {url}\n")
    assert qase(load(tmp_path, TOKEN)).base_url == url


@pytest.mark.parametrize(
    "url", ["http://tms.test", "http://10.0.0.1", "http://localhost.tms.test", "http://127.tms.test"]
)
def test_plain_http_to_another_machine_is_an_error_unless_it_is_allowed(url: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport:qase]\nproject = SHOP\nurl = {url}\n")
    said = problem(tmp_path)
    assert "`url` in [tmsreport:qase] or TMSREPORT_QASE_URL is plain http" in said
    assert "use https, or `allow_http = true`" in said
    write(tmp_path, f"[tmsreport:qase]\nproject = SHOP\nurl = {url}\nallow_http = true\n")
    assert qase(load(tmp_path, TOKEN)).base_url == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("tms.test", "must begin with https://", id="no-scheme"),
        pytest.param("ftp://tms.test", "must begin with https://", id="ftp"),
        pytest.param("file:///etc/passwd", "must begin with https://", id="file"),
        pytest.param("https://", "must begin with https:// and name a host", id="no-host"),
        pytest.param("https://[::1", "is no address", id="broken-host"),
        pytest.param("https://tms.test:port", "is no address", id="broken-port"),
        pytest.param(f"https://me:{SECRET}@tms.test", "holds a user or password", id="password"),
        pytest.param("https://me@tms.test", "holds a user or password", id="user"),
    ],
)
def test_an_address_that_cannot_be_meant_is_an_error(url: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport:qase]\nproject = SHOP\nurl = {url}\n")
    found = problem(tmp_path)
    assert said in found
    assert SECRET not in found


def test_a_proxy_that_is_no_address_does_not_stop_pytest(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qase]\nproject = SHOP\n")
    assert load(tmp_path, {**TOKEN, "TMSREPORT_PROXY": "http://[broken"}).settings.proxy == "http://[broken"


TWO = "[tmsreport:qase]\nproject = SHOP\n[tmsreport:web]\nvendor = qase\nproject = WEB\n"
TWO_TOKENS = {**TOKEN, "TMSREPORT_WEB_TOKEN": "an0ther"}


@pytest.mark.parametrize(
    ("text", "only", "found"),
    [
        pytest.param(TWO, [], ["qase", "web"], id="all"),
        pytest.param(f"[tmsreport]\ndestinations = web\n{TWO}", [], ["web"], id="as-the-settings-say"),
        pytest.param(f"[tmsreport]\ndestinations = web, qase\n{TWO}", [], ["web", "qase"], id="in-that-order"),
        pytest.param(f"[tmsreport]\ndestinations = web\n{TWO}", ["qase"], ["qase"], id="as-the-command-says"),
        pytest.param(TWO, ["web", "qase", "web"], ["web", "qase"], id="named-twice"),
        pytest.param(f"[tmsreport]\ndestinations = qase, qase\n{TWO}", [], ["qase"], id="set-twice"),
        pytest.param("[tmsreport]\non_loss = warn\n", [], [], id="none"),
    ],
)
def test_results_go_to_the_destinations_that_are_chosen(
    text: str, only: list[str], found: list[str], tmp_path: Path
) -> None:
    write(tmp_path, text)
    config = load(tmp_path, TWO_TOKENS, only=only)
    assert [each.name for each in config.destinations] == found
    assert list(config.wanted) == found
    assert config.problems == {}


def test_what_is_wrong_with_one_destination_does_not_touch_another(tmp_path: Path) -> None:
    write(tmp_path, TWO.replace("WEB", "no code at all"))
    config = load(tmp_path, TWO_TOKENS)
    assert [each.name for each in config.destinations] == ["qase"]
    assert list(config.problems) == ["web"]
    assert config.wanted == {"qase": "qase", "web": "qase"}


def test_what_is_wrong_with_all_of_it_turns_every_destination_off(tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport]\non_loss = explode\n{TWO}")
    config = load(tmp_path, TWO_TOKENS)
    assert config.destinations == ()
    assert list(config.problems) == [""]
    assert config.wanted == {"qase": "qase", "web": "qase"}


def test_a_destination_that_does_not_exist_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    with pytest.raises(ConfigError, match="qsae: there is no such destination; did you mean `qase`") as caught:
        load(tmp_path, TWO_TOKENS, only=["qsae"])
    assert {"qase", "web"} <= set(str(caught.value).rpartition("name one of: ")[2].split(", "))


def test_a_destination_of_a_file_that_cannot_be_read_is_not_called_unknown(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    write(tmp_path, TWO, "tox.ini")
    config = load(tmp_path, TWO_TOKENS, only=["web"])
    assert "stand in two files" in str(config.problems[""])
    assert config.destinations == ()
    assert list(config.wanted) == ["web"]


def test_a_section_of_no_vendor_is_an_error_that_says_how_to_name_one(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport:qas]\nproject = SHOP\n")
    said = problem(tmp_path, name="qas")
    assert "there is no vendor 'qas'" in said
    assert "did you mean `qase`?" in said
    assert "say `vendor = …` in [tmsreport:qas]" in said


@pytest.mark.parametrize(
    "name", ["results", "tags", "proxy", "my-shop", "Web", "7up", "a.b", "größe", "../x"], ids=lambda name: name
)
def test_a_name_that_would_be_taken_for_something_else_names_no_destination(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a destination"):
        destination(name, "qase", Source({}, {name: {"project": "SHOP"}}, "pytest.ini"))


def test_a_name_that_cannot_stand_in_a_journal_stays_out_of_it(tmp_path: Path) -> None:
    write(tmp_path, f"{TWO}[tmsreport:my-shop]\nvendor = qase\nproject = SHOP\n")
    config = load(tmp_path, TWO_TOKENS)
    assert "'my-shop' cannot name a destination" in str(config.problems["my-shop"])
    assert list(config.wanted) == ["qase", "web"]
    assert [each.name for each in config.destinations] == ["qase", "web"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("on_loss", "takes KEY=VALUE or DESTINATION.KEY=VALUE, not 'on_loss'", id="no-value"),
        pytest.param("=x", "takes KEY=VALUE", id="no-key"),
        pytest.param("qase.=x", "takes KEY=VALUE", id="no-key-of-a-destination"),
        pytest.param(".project=x", "takes KEY=VALUE", id="no-destination"),
        pytest.param("onloss=x", "unknown key `onloss`; did you mean `on_loss`", id="unknown-key"),
        pytest.param(
            "qase.projct=x", "unknown key `projct`; did you mean `project`", id="unknown-key-of-a-destination"
        ),
        pytest.param("qsae.project=x", "unknown destination 'qsae'; did you mean `qase`", id="unknown-destination"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(text: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, TWO)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, TWO_TOKENS, sets=[text])
    assert said in str(caught.value)


def test_an_option_may_make_a_destination(tmp_path: Path) -> None:
    sets = ["web.vendor=qase", "web.project=WEB"]
    config = load(tmp_path, TWO_TOKENS, sets=sets, only=["web"])
    assert config.destinations == (Qase(name="web", kind="qase", project="WEB", token="an0ther"),)
    assert config.sets == tuple(sets)


@pytest.mark.parametrize(
    ("sets", "good"),
    [
        (["web.vendor=qase", "web.project=WEB", "read_marks=alure"], ["web.vendor=qase", "web.project=WEB"]),
        (["web.vendor=qase", "web.project=WEB", "web.batch_size=many"], ["web.vendor=qase", "web.project=WEB"]),
        (["web.vendor=qase", "on_loss=fail"], ["web.vendor=qase", "on_loss=fail"]),  # what is missing is missing still
    ],
)
def test_an_option_that_is_itself_what_is_wrong_is_not_worth_typing_again(
    sets: list[str], good: list[str], tmp_path: Path
) -> None:
    config = load(tmp_path, TWO_TOKENS, sets=sets, only=["web"])
    assert config.problems
    assert good_sets(config, tmp_path, TWO_TOKENS) == good


OWN = """
[acme]
vendor = "rest"
url = "https://acme.test/api"
batch_size = 7
status = { passed = "green" }
[acme.calls.send]
request = "POST results"
body = { outcome = "{status}" }
"""


def test_a_tool_may_be_described_beside_the_settings_which_win(tmp_path: Path) -> None:
    write(tmp_path, OWN, "tmsreport.toml")
    environ = {"TMSREPORT_ACME_TOKEN": "t"}
    (alone,) = load(tmp_path, environ).destinations
    assert (alone.kind, alone.batch_size, alone.word(Outcome.PASSED)) == ("rest", 7, "green")
    write(tmp_path, "[tmsreport]\n[tmsreport:acme]\nbatch_size = 9\n[tmsreport:qase]\nproject = SHOP\n")
    both = load(tmp_path, {**environ, **TOKEN}).destinations
    assert [(each.name, each.batch_size) for each in both] == [("acme", 9), ("qase", 200)]
    assert find_root(tmp_path / "below") == tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN + "x = ", "tmsreport.toml cannot be read"),
        ('on_loss = "fail"\n' + OWN, "tmsreport.toml holds `on_loss` outside of a table"),
    ],
)
def test_a_description_that_cannot_be_read_is_said(text: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, text, "tmsreport.toml")
    assert said in problem(tmp_path, name="")


def test_a_mistake_in_a_description_names_its_file(tmp_path: Path) -> None:
    write(tmp_path, OWN.replace("batch_size", "batch_sise"), "tmsreport.toml")
    assert "[acme] of tmsreport.toml holds an unknown key `batch_sise`; did you mean `batch_size`?" in problem(
        tmp_path, {"TMSREPORT_ACME_TOKEN": "t"}, "acme"
    )


def test_the_manual_lists_every_setting_with_its_default_and_its_variables() -> None:
    rows = {key: (help_, default, variables) for key, help_, default, variables in manual(Qase)}
    assert all(help_ for help_, _, _ in rows.values())
    assert rows["project"][1:] == ("required", ["TMSREPORT_<NAME>_PROJECT", "QASE_TESTOPS_PROJECT"])
    assert rows["complete"][1] == "true"
    assert rows["batch_size"][1] == "200"
    assert rows["token"][2] == ["TMSREPORT_<NAME>_TOKEN", "TMSREPORT_<NAME>_TOKEN_FILE", "QASE_TESTOPS_API_TOKEN"]


def test_the_readme_lists_every_setting_of_all() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| key of `[tmsreport]` |")[2].partition("\n\n")[0]
    listed = {key.strip(" `") for line in table.splitlines()[2:] for key in line.split("|")[1].split(",")}
    assert listed == {entry.name for entry in fields(Settings)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run_key = {ci}-{time}", "`run_key` holds {time}"),
        ("shards = many", "`shards` is 'many'"),
        ("shards = 3", "set TMSREPORT_SHARD, from 1 to 3"),
        ("shards = 3\nshard = 4", "`shard` is 4"),
    ],
)
def test_what_machines_that_share_a_run_cannot_mean_is_an_error(text: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, f"[tmsreport]\n{text}\n[tmsreport:qase]\nproject = SHOP\n")
    config = load(tmp_path, TOKEN, is_session=True)
    assert said in str(config.problems[""])
    assert config.destinations == ()


def test_a_job_that_runs_no_tests_need_not_know_which_machine_it_is(tmp_path: Path) -> None:
    write(tmp_path, "[tmsreport]\nshards = 3\n[tmsreport:qase]\nproject = SHOP\n")
    assert load(tmp_path, TOKEN).problems == {}


ELSEWHERE = """
from pytest_tmsreport import Vendor
from pytest_tmsreport.vendors.qase import Qase

class Elsewhere(Qase):
    label = "Elsewhere"
    find_run = Vendor.find_run
"""


def test_a_tool_that_cannot_find_a_run_by_its_key_needs_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, ELSEWHERE, "elsewhere.py")
    info = tmp_path / "elsewhere-1.dist-info"
    info.mkdir()
    write(info, "[pytest_tmsreport.vendors]\nelsewhere = elsewhere:Elsewhere\n", "entry_points.txt")
    write(info, "Name: elsewhere\nVersion: 1\n", "METADATA")
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path, "[tmsreport]\nrun_key = nightly\n[tmsreport:elsewhere]\nproject = SHOP\n")
    environ = {"TMSREPORT_ELSEWHERE_TOKEN": SECRET}
    problem = str(load(tmp_path, environ).problems["elsewhere"])
    assert problem.startswith("Elsewhere cannot find a run by its key")
    assert "TMSREPORT_ELSEWHERE_RUN_ID" in problem
    assert load(tmp_path, {**environ, "TMSREPORT_ELSEWHERE_RUN_ID": "12"}).problems == {}


def test_a_tool_without_runs_minds_no_key(tmp_path: Path) -> None:
    section = "[tmsreport:vansah]\nproject = DEMO\nasset = DEMO-9\n"
    write(tmp_path, f"[tmsreport]\nrun_key = nightly\n{section}")
    assert load(tmp_path, {"TMSREPORT_VANSAH_TOKEN": SECRET}).problems == {}


SECRETS = [(kind, entry.name) for kind in map(find, names()) for entry in fields(kind) if is_secret(entry)]


@pytest.mark.parametrize(
    "variable",
    [
        *(f"TMSREPORT_{kind.__module__.rpartition('.')[2].upper()}_{key.upper()}" for kind, key in SECRETS),
        *(variable for kind, key in SECRETS for variable in kind.variables.get(key, ())),
    ],
)
def test_a_secret_of_a_tool_that_nothing_is_reported_to_is_masked_all_the_same(tmp_path: Path, variable: str) -> None:
    assert load(tmp_path, {variable: "s3cret-word"}).mask("a s3cret-word") == "a ***"
