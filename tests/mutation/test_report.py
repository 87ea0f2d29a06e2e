"""The report of `pdm run mutation`: a survivor without a reason fails it."""

import pytest

from tests.mutation.report import LIST, Mutant, change_of, faults_of, function_of, read_list, table_of

LISTED = read_list("""
[reasons]
cost = "Costs a little more and comes to the same."

[[survivors]]
function = "bff_clients.a.b"
change = '''
- x = 1
+ x = 2
'''
why = "cost"
""")
KILLED = [Mutant("bff_clients.a.b", "", killed=True)] * 19
UNKNOWN = """
[[survivors]]
function = "bff_clients.a.c"
change = '''
- y
+ z
'''
why = ""
"""
SURVIVOR = Mutant("bff_clients.a.b", "- x = 1\n+ x = 2", killed=False)


@pytest.mark.parametrize(
    ("mutants", "faults"),
    [
        pytest.param([*KILLED, SURVIVOR], [], id="listed"),
        pytest.param(
            [*KILLED, SURVIVOR, Mutant("bff_clients.a.c", "- y\n+ z", killed=False), *KILLED],
            ["not in the list:\n" + UNKNOWN],
            id="not-listed",
        ),
        pytest.param([*KILLED], ["in the list, but noticed: bff_clients.a.b\n- x = 1\n+ x = 2"], id="listed-and-dead"),
        pytest.param([Mutant("bff_clients.a.c", "", killed=True)], [], id="listed-and-not-tried"),
        pytest.param([*KILLED[1:], SURVIVOR], ["bff_clients: 94.7 % is less than 95 %"], id="too-many-survive"),
    ],
)
def test_whoever_survives_has_to_be_in_the_list_and_few(mutants: list[Mutant], faults: list[str]) -> None:
    assert faults_of(mutants, LISTED) == faults


def test_each_module_has_its_score() -> None:
    assert table_of([*KILLED, SURVIVOR]).splitlines()[2:] == ["| `bff_clients.a` | 20 | 19 | 95.0 % |"]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        pytest.param("bff_clients._call.x_seconds_of__mutmut_4", "bff_clients._call.seconds_of", id="function"),
        pytest.param("bff_clients._call.x__places__mutmut_4", "bff_clients._call._places", id="private"),
        pytest.param("bff_clients._call.xǁCallǁ__init____mutmut_1", "bff_clients._call.Call.__init__", id="method"),
    ],
)
def test_functions_are_named_as_python_names_them(name: str, function: str) -> None:
    assert function_of(name) == function


def test_a_change_is_the_lines_that_go_and_come() -> None:
    diff = "--- a.py\n+++ a.py\n@@ -1,3 +1,3 @@\n def f():\n-    return 1\n+    return  2\n     # end\n"

    assert change_of(diff) == "- return 1\n+ return  2"


def test_a_reason_that_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="cost, taste"):
        read_list('[reasons]\ncost = "a"\n[[survivors]]\nfunction = "f"\nchange = "c"\nwhy = "taste"\n')


def test_the_list_can_be_read() -> None:
    assert read_list(LIST.read_text(encoding="utf-8"))
