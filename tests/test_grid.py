"""Tables in text: what separates their cells, marks their decimals, and is broken in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualyte import InputError
from dualyte.measure.files.grid import grids, read_grid

ROWS = np.array([[0.0, 3.125, -1e-3], [10.5, 3.25, 2e-3], [20.0, 3.5, 0.0], [31.25, 4.0, 1.0]])


def text_of(rows, sep=",", head=("Time [s]", "U [V]", "I [A]"), comma=False, end="\n"):
    lines = [sep.join(f"{x:.6f}" for x in row) for row in rows]
    lines = [line.replace(".", ",") for line in lines] if comma else lines
    return "\n".join([sep.join(head), *lines] if head else lines) + end


@pytest.mark.parametrize("sep", ["\t", ";", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_do_not_matter(sep, end):
    grid = read_grid(text_of(ROWS, sep).replace("\n", end))
    assert grid.names == ("Time", "U", "I")
    assert grid.units == ("s", "V", "A")
    np.testing.assert_array_equal(np.column_stack(grid.columns), ROWS)


@pytest.mark.parametrize("sep", ["\t", ";", "   "])
def test_decimal_commas_are_read_and_said(sep):
    grid = read_grid(text_of(ROWS, sep, head=("t", "U", "I"), comma=True))
    np.testing.assert_array_equal(np.column_stack(grid.columns), ROWS)
    assert grid.changes == ("read decimal commas",)


def test_decimal_commas_between_commas_are_refused():
    with pytest.raises(InputError, match="commas seem to mark decimals and columns at once"):
        read_grid(text_of(ROWS, ",", comma=True))


def test_quoted_numbers_may_hold_thousands_commas():
    grid = read_grid('"Time","Load"\n"(s)","(N)"\n"0.1","1,234.5"\n"0.2","2,345.5"\n')
    assert grid.units == ("s", "N")
    assert grid.column(1).tolist() == [1234.5, 2345.5]
    assert grid.changes == ("read commas as thousands separators",)


def test_units_may_stand_in_a_row_of_their_own():
    grid = read_grid("Ch 1 Force\tTime\nkN\tsec\n0.1\t0\n0.2\t1\n")
    assert (grid.names, grid.units, grid.first_line) == (("Ch 1 Force", "Time"), ("kN", "sec"), 3)


def test_a_head_of_notes_is_kept_above_the_headings():
    grid = read_grid("made by a machine\nmass: 3 mg\n\n" + text_of(ROWS))
    assert grid.head == ("made by a machine", "mass: 3 mg", "")
    assert grid.first_line == 5


def test_words_stay_words():
    grid = read_grid("t,state,U\n0,CC Chg,3.1\n1,Rest,3.2\n2,CC Chg,\n")
    assert grid.columns[1].tolist() == ["CC Chg", "Rest", "CC Chg"]
    assert np.isnan(grid.column(2)[2])
    with pytest.raises(InputError, match="line 2: column state holds 'CC Chg', not numbers"):
        grid.column(1)


def test_a_heading_is_never_a_row():
    assert len(read_grid(text_of(ROWS))) == len(ROWS)


def test_a_broken_line_costs_only_itself():
    many = np.vstack([ROWS + np.array([100 * k, 0, 0]) for k in range(40)])
    lines = text_of(many).split("\n")
    lines[7] = "45.0,what,1"
    lines[60] = "45.0"
    grid = read_grid("\n".join(lines))
    assert len(grid) == len(many) - 2
    assert any("line 8" in said and "'what'" in said for said in grid.changes)
    assert any("line 61" in said for said in grid.changes)


def test_many_broken_lines_are_refused():
    lines = text_of(np.vstack([ROWS] * 10)).split("\n")
    lines[3:30:3] = ["1,x,2"] * 9
    with pytest.raises(InputError, match="line 4 is broken"):
        read_grid("\n".join(lines))


@given(st.integers(1, 8))
def test_a_last_line_cut_short_is_left_out(cut):
    text = text_of(ROWS)[: -1 - cut]
    grid = read_grid(text)
    np.testing.assert_array_equal(np.column_stack(grid.columns), ROWS[:-1])
    assert "may be cut short" in grid.changes[-1]


def test_a_strange_line_does_not_end_a_table():
    lines = text_of(np.vstack([ROWS] * 3)).split("\n")
    lines.insert(6, "*** paused ***")
    grid = read_grid("\n".join(lines))
    assert len(grid) == 3 * len(ROWS)
    assert grid.changes == ("went on at line 8, after lines that are no rows",)


def test_units_below_headings_may_end_with_a_separator():
    grid = read_grid("Force\tTime\tu\t\nkN\tsec\tmm\t\n0.1\t0\t1\n0.2\t1\t1\n")
    assert (grid.names, grid.units) == (("Force", "Time", "u"), ("kN", "sec", "mm"))


def test_an_exponent_cut_short_is_seen():
    text = "t\tU\tI\n" + "".join(f"{k}\t3.1\t-1.23E-00{k}\n" for k in range(1, 6))
    assert len(read_grid(text[:-1])) == 5
    assert len(read_grid(text[:-2])) == 4


def test_a_heading_may_end_with_a_separator():
    assert read_grid("t/s\tU/V\tI/mA\t\n0\t1\t2\n1\t2\t3\n").units == ("s", "V", "mA")


def test_a_whole_last_line_needs_no_end():
    grid = read_grid(text_of(ROWS, end=""))
    assert len(grid) == len(ROWS)
    assert not grid.changes


def test_several_tables_are_kept_apart():
    found = grids(text_of(ROWS) + "\nsecond\n" + text_of(ROWS[:, :2], head=("a", "b")))
    assert [grid.names for grid in found] == [("Time", "U", "I"), ("a", "b")]
    assert (
        read_grid(text_of(ROWS) + "\n" + text_of(ROWS, head=("p", "q", "r")), want=["q"]).names[0]
        == "p"
    )


@pytest.mark.parametrize("text", ["", "only words\nand more\n", "\x01\x02", "1\n2\n3\n"])
def test_no_table_is_said(text):
    with pytest.raises(InputError, match="has no table of numbers"):
        read_grid(text, name="x.csv")


def test_text_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n1,2\n\x00\x00")
    with pytest.raises(InputError, match=r"x\.csv is not text"):
        read_grid(path)


@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 3), min_size=2, max_size=20))
def test_numbers_come_back_as_written(rows):
    text = "a,b,c\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows)
    np.testing.assert_allclose(np.column_stack(read_grid(text).columns), rows, rtol=1e-14)
