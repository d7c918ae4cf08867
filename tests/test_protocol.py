"""Protocols in words: what is read, what is refused, and the study's own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import InputError, ValidityError
from dualyte.cell.protocol import (
    STUDY,
    Protocol,
    Step,
    find_protocol,
    protocol,
    read_protocol,
    repeat,
    study_protocol,
    tagged,
)
from dualyte.cell.words import End

CYCLE = ("Charge at C/5 until 4.3 V", "Discharge at C/5 until 2.8 V")
STUDIES = sorted(STUDY)


def one(words, **more):
    return protocol(words, **{"pressure": 5e6} | more).steps[0]


def end(**ends):
    return tuple(End(kind=kind, value=value) for kind, value in ends.items())


# --- what words mean ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("Charge at C/5 until 4.3 V at 5 MPa", {"rate": 0.2, "until": end(voltage=4.3)}),
        ("Discharge at C/20 until 2.5 V", {"rate": 0.05, "until": end(voltage=2.5)}),
        ("Discharge at 2C for 20 min", {"rate": 2.0, "until": end(duration=1200.0)}),
        ("charge AT 0.5 C Until 4300 mV", {"rate": 0.5, "until": end(voltage=4.3)}),
        ("Hold at 4.3 V until C/20", {"voltage": 4.3, "until": end(rate=0.05)}),
        ("Hold at 4.3 V for 2 h", {"voltage": 4.3, "until": end(duration=7200.0)}),
        ("Hold at 4.3 V until 0.05 mA/cm2", {"voltage": 4.3, "until": end(current=0.5)}),
        ("Rest for 10 min", {"until": end(duration=600.0)}),
        ("Charge at 0.1 mA/cm2 for 1 h", {"current": 1.0, "until": end(duration=3600.0)}),
        ("Charge at 100 µA cm-2 for 1 hour", {"current": 1.0, "until": end(duration=3600.0)}),
        ("Charge at 0.1 mA/cm² for 3600 s", {"current": 1.0, "until": end(duration=3600.0)}),
        (
            "Charge at C/5 until 4.3 V or 6 h",
            {"rate": 0.2, "until": end(voltage=4.3, duration=21600.0)},
        ),
        (
            "Charge at C/5 for 6 h or until 4.3 V",
            {"rate": 0.2, "until": end(duration=21600.0, voltage=4.3)},
        ),
    ],
)
def test_a_step_means_what_it_says(words, parts):
    step = one(words)
    assert step.kind == words.split()[0].lower()
    found = {name: getattr(step, name) for name in ("rate", "current", "voltage")}
    wanted = {name: parts.get(name) for name in found}
    for name, value in found.items():
        assert value == (wanted[name] if value is None else pytest.approx(wanted[name], rel=1e-12))
    assert [e.kind for e in step.until] == [e.kind for e in parts["until"]]
    assert [e.value for e in step.until] == pytest.approx([e.value for e in parts["until"]])


def test_a_rest_has_its_own_pressure():
    assert one("Rest for 2 h at 1 MPa").pressure == pytest.approx(1e6)


@pytest.mark.parametrize("words", ["and measure impedance", "and measure EIS", "and eis"])
def test_impedance_is_measured_where_it_is_asked_for(words):
    assert one(f"Charge at C/5 until 4.3 V at 5 MPa {words}").eis
    assert not one("Charge at C/5 until 4.3 V at 5 MPa").eis


def test_a_step_without_a_pressure_keeps_the_one_before():
    found = protocol(["Rest for 1 h at 7 MPa", *CYCLE, "Rest for 1 h at 1 MPa", repeat(2, *CYCLE)])
    assert [step.pressure / 1e6 for step in found] == pytest.approx([7, 7, 7, 1, 1, 1, 1, 1])
    assert found.pressures == pytest.approx((7e6, 1e6))


def test_the_first_step_needs_a_pressure():
    with pytest.raises(InputError, match=r"no stack pressure; write it, such as 'at 5 MPa'"):
        protocol(CYCLE)
    assert protocol(CYCLE, pressure=3e6).pressures == (3e6,)
    assert protocol(["Rest for 1 h at 1 MPa"], pressure=3e6).pressures == pytest.approx((1e6,))


def test_repeats_nest():
    nested = protocol((2, [(3, CYCLE), "Rest for 1 h"]), pressure=5e6)
    assert nested == protocol(repeat(2, repeat(3, *CYCLE), "Rest for 1 h"), pressure=5e6)
    assert nested == protocol([[*CYCLE] * 3, "Rest for 1 h"] * 2, pressure=5e6)
    assert len(nested) == 14
    assert nested.cycles == (0, 1, 2, 3, 4, 5)


def test_a_protocol_within_a_protocol_is_counted_on():
    begun = protocol(tagged("activation", *CYCLE), pressure=7e6)
    whole = protocol([begun, repeat(2, *CYCLE)])
    assert whole.cycles == (0, 1, 2)
    assert [step.tag for step in whole.of_cycle(0)] == ["activation"] * 2
    assert {step.tag for step in whole.of_cycle(1)} == {""}


def test_cycles_are_counted_from_the_direction_that_comes_first():
    plating = protocol((3, ["Discharge at C/5 for 5 h", "Charge at C/5 until 1 V"]), pressure=7e6)
    assert plating.first == "discharge"
    assert [step.cycle for step in plating] == [0, 0, 1, 1, 2, 2]
    held = protocol(
        (2, [CYCLE[0], "Hold at 4.3 V until C/20", CYCLE[1], "Rest for 1 h"]), pressure=7e6
    )
    assert held.first == "charge"
    assert [step.cycle for step in held] == [0] * 4 + [1] * 4


def test_an_inner_tag_wins():
    found = protocol(tagged("outer", "Rest for 1 h [inner]", "Rest for 2 h"), pressure=5e6)
    assert [step.tag for step in found] == ["inner", "outer"]


def test_a_protocol_ends_after_the_cycle_asked_for():
    whole = protocol((5, CYCLE), pressure=5e6)
    assert whole.up_to(2).cycles == (0, 1, 2)
    assert whole.up_to(2).of_cycle(1) == whole.of_cycle(1)
    with pytest.raises(InputError, match="no cycle 9; it has cycles 0 … 4"):
        whole.up_to(9)


def test_the_window_is_what_voltages_are_asked_for():
    assert protocol(CYCLE, pressure=5e6).window == (2.8, 4.3)
    assert np.isnan(protocol("Rest for 1 h at 5 MPa").window).all()


# --- written and read back ------------------------------------------------------------

TAGS = st.sampled_from(["", "activation", "low pressure", "aged, 60 °C"])
RATES = st.one_of(st.sampled_from([0.05, 0.1, 0.2, 1 / 3, 1.0, 2.5]), st.floats(1e-4, 100.0))
CURRENTS = st.one_of(st.sampled_from([1.0, 0.5, 4.0]), st.floats(1e-3, 1e3))
TIMES = st.one_of(st.sampled_from([10.0, 600.0, 5400.0, 36000.0]), st.floats(1e-3, 1e8))
PRESSURES = st.one_of(st.sampled_from([1e6, 3e6, 5e6, 7e6, 8.2e6]), st.floats(1e3, 1.2e8))


@st.composite
def steps(draw):
    """A step that may follow any other: it has a time to end at, and turns between 3 and 4 V."""
    kind = draw(st.sampled_from(["charge", "discharge", "rest", "hold"]))
    ends = [End(kind="duration", value=draw(TIMES))]
    drive = {}
    if kind == "hold":
        drive = {"voltage": draw(st.floats(3, 4))}
        if draw(st.booleans()):
            ends.append(End(kind="rate", value=draw(RATES)))
        if draw(st.booleans()):
            ends.append(End(kind="current", value=draw(CURRENTS)))
    elif kind != "rest":
        drive = draw(
            st.one_of(
                st.fixed_dictionaries({"rate": RATES}), st.fixed_dictionaries({"current": CURRENTS})
            )
        )
        if draw(st.booleans()):
            volts = st.floats(4, 5) if kind == "charge" else st.floats(2, 3)
            ends.append(End(kind="voltage", value=draw(volts)))
    parts = {"pressure": draw(PRESSURES), "tag": draw(TAGS), "eis": draw(st.booleans())}
    until = tuple(draw(st.permutations(ends)))
    return Step(kind=kind, until=until, **drive, **parts)


@given(st.lists(steps(), min_size=1, max_size=6), st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_a_protocol_written_as_text_reads_back_the_same(drawn, times):
    made = protocol([(times, drawn)])
    assert protocol(str(made)) == made


@given(steps())
@settings(max_examples=100, deadline=None)
def test_a_step_written_in_words_reads_back_the_same(drawn):
    assert protocol(str(drawn)).steps == (drawn,)


@pytest.mark.parametrize("name", STUDIES)
def test_the_study_written_as_text_reads_back_the_same(name, tmp_path):
    made = study_protocol(name)
    assert protocol(str(made), name=name) == made
    (tmp_path / f"{name}.txt").write_text(f"# {name}\n{made}\n")
    assert read_protocol(tmp_path / f"{name}.txt") == made


def test_a_text_is_as_short_as_what_it_repeats():
    assert len(str(study_protocol("paper-120")).splitlines()) < 15


# --- files ----------------------------------------------------------------------------

FILE = """\
# activation, then two pressures
repeat 1 [activation]:
    Charge at C/10 until 4.3 V at 7 MPa and measure impedance
    Discharge at C/10 until 2.8 V

repeat 2:  # twice
  repeat 3 times:
      Charge at C/5 until 4.3 V
      Discharge at C/5 until 2.8 V [fast]
  Rest for 10 min at 1 MPa
"""


def written(folder, text, name="cell.txt"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_blocks_of_a_file_repeat_what_is_indented(tmp_path):
    found = read_protocol(written(tmp_path, FILE))
    fast = [CYCLE[0], CYCLE[1] + " [fast]"]
    act = [CYCLE[0].replace("C/5", "C/10") + " at 7 MPa and measure impedance",
           CYCLE[1].replace("C/5", "C/10")]  # fmt: skip
    same = [tagged("activation", *act), (2, [(3, fast), "Rest for 10 min at 1 MPa"])]
    assert found == protocol(same, name="cell")
    assert found.cycles == tuple(range(7))
    assert found.pressures == pytest.approx((7e6, 1e6))


def test_tabs_and_a_byte_order_mark_are_read(tmp_path):
    text = "\ufeffrepeat 2:\n\tRest for 1 h at 5 MPa\n\n"
    assert len(read_protocol(written(tmp_path, text))) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Rest for 1 h at 5 MPa\nChrage at C/5 until 4.3 V", "cell.txt, line 2: unknown protocol "
         "word 'Chrage'; did you mean 'Charge'"),
        ("repeat 2\n  Rest for 1 h", "line 1: cannot read 'repeat 2'; write 'repeat 5:'"),
        ("repeat 2:\nRest for 1 h", "line 1: 'repeat 2:' repeats nothing"),
        ("repeat two:\n  Rest for 1 h", "line 1: 'two' is no number of times"),
        ("repeat 0:\n  Rest for 1 h", "line 1: '0' is no number of times"),
        ("repeat 9999999:\n  Rest for 1 h", "line 1: 9999999 × 1 steps are more than"),
        ("Rest for 1 h at 5 MPa\n  Rest for 1 h", "line 2: .* is indented, but"),
        ("  Rest for 1 h at 5 MPa\nRest for 1 h", "line 2: it is indented less"),
        ("repeat 2:\n    Rest for 1 h at 5 MPa\n  Rest for 1 h", "line 3: .* is indented, but"),
        ("# nothing\n", "cell.txt holds no step"),
        ("\nRest for 1 h", "cell.txt, line 2: the first step has no stack pressure"),
        ("Charge at C/5 until 4.3 V at 5 MPa\nCharge at C/5 until 4 V", "line 2: .* never be met"),
    ],
)  # fmt: skip
def test_an_error_in_a_file_names_file_and_line(text, why, tmp_path):
    with pytest.raises(InputError, match=why):
        read_protocol(written(tmp_path, text))


def test_a_file_that_is_not_there_is_said_with_what_is():
    with pytest.raises(InputError, match="did you mean 'paper-120'"):
        find_protocol("paper-12")
    with pytest.raises(InputError, match=r"no protocol of the study and no file; .*paper-rest"):
        find_protocol("zzz.txt")
    with pytest.raises(InputError, match=r"no file zzz\.txt"):
        read_protocol("zzz.txt")


def test_a_name_or_a_file_is_found(tmp_path):
    assert find_protocol("paper-rest") == study_protocol("paper-rest")
    assert find_protocol("paper-120", cycles=3) == study_protocol("paper-120", cycles=3)
    path = written(tmp_path, "repeat 9:\n  " + "\n  ".join(CYCLE))
    assert len(find_protocol(path, pressure=5e6)) == 18
    assert find_protocol(path, pressure=5e6, cycles=3).cycles == (0, 1, 2, 3)


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Charge at C/5 untill 4.3 V", "unknown protocol word 'untill'; did you mean 'until'"),
        ("Charge slowly at C/5 until 4.3 V", "unknown protocol word 'slowly'"),
        ("Charge at C/5 until full", "unknown protocol word 'full'"),
        ("Charge C/5 until 4.3 V", "unknown protocol word 'C/5'; did you mean 'at C/5'"),
        ("Plate at C/5 for 5 h", "'Plate'; write 'Discharge' in a half-cell"),
        ("Rest for 2 h and mesure impedance", "did you mean 'measure impedance'"),
        ("paper-120", r"come by name, from study_protocol\('paper-120'\)"),
        ("Charge at C/5 until 4.3 W", "unknown unit 'W' in '4.3 W'"),
        ("Charge at C/5 until 4.3", "'4.3' has no unit"),
        ("Charge at C/5 until 4,3 V", "write a decimal point, no comma"),
        ("Charge at C/5 until", "nothing follows 'until'"),
        ("", "no step is written"),
        ("Rest for -2 h", "time '-2 h' is negative; write it without the sign"),
        ("Rest for 0 h", "time '0 h' is zero; leave it out"),
        ("Charge at C/0 for 1 h", "rate 'C/0' is not positive"),
        ("Charge at -C/5 for 1 h", "cannot read '-C/5'"),
        ("Charge at -0.1 mA/cm2 for 1 h", "current '-0.1 mA/cm2' is negative"),
        ("Charge at 1e9 mA/cm2 for 1 h", "implausibly large; check its unit"),
        ("Rest for 1e9 h", "implausibly large; check its unit"),
        ("Charge at C/5 until 12 V", "outside -10 V … 10 V"),
        ("Rest for 2 h at 5 Pa", r'did you mean pressure=q\("5 MPa"\)'),
        ("Rest for 2 h at -5 MPa", "pressure '-5 MPa' is negative"),
        ("Charge at C/5", "a charge has no end; give it a voltage or a time"),
        ("Rest", "a rest has no end; give it a time"),
        ("Charge until 4.3 V", "a charge needs a current, such as 'at C/5'"),
        ("Hold for 1 h", "a hold needs a voltage"),
        ("Charge at 4.3 V for 2 h", "has no voltage of its own; .* or write 'until 4.3 V'"),
        ("Rest at C/5 for 2 h", "a rest has no rate of its own; leave out 'at C/5'"),
        ("Rest until 4.3 V", "a rest cannot end at 4.3 V"),
        ("Charge at C/5 until C/20", "a charge cannot end at C/20"),
        ("Hold at 4.3 V until 4.3 V", "a hold cannot end at 4.3 V"),
        ("Charge at C/5 at 1 mA/cm2 for 1 h", "a rate and a current; give one"),
        ("Charge at C/5 for 1 h at 3 MPa at 5 MPa", "a second pressure"),
        ("Charge at C/5 for 1 h or 2 h", "two ends of one kind"),
        ("Charge at C/5 for 1 h until 4.3 V", "join two ends with 'or'"),
        ("Charge at C/5 or 4.3 V", "join two ends with 'or'"),
        ("Charge at 2 h until 4.3 V", "'at 2 h' is a time; write 'for 2 h'"),
        ("Charge at C/5 for 4.3 V", "'for 4.3 V' is no time; write 'until 4.3 V'"),
        ("Rest until 5 MPa", "cannot end at a pressure; write 'at 5 MPa'"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_with_its_fix(words, why):
    with pytest.raises(InputError, match=why):
        one(words)


def test_a_pressure_at_which_pellets_are_pressed_is_outside_validity():
    with pytest.raises(ValidityError, match="stack pressure 300 MPa is above the 120 MPa"):
        one("Rest for 2 h at 300 MPa")
    assert one("Rest for 2 h at 120 MPa").pressure == pytest.approx(120e6)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (["Charge at C/5 until 4.3 V"], "Charge at C/20 until 4 V"),
        (["Charge at C/5 until 4.3 V"], "Discharge at C/5 until 4.3 V"),
        (["Charge at C/5 until 4.3 V", "Rest for 1 h"], "Discharge at C/5 until 4.4 V"),
        (["Discharge at C/5 until 2.8 V"], "Charge at C/5 until 2.5 V"),
        (["Discharge at C/5 until 2.8 V", "Rest for 1 h"], "Charge at C/5 until 2.8 V"),
        (["Discharge at C/5 until 2.8 V"], "Discharge at C/5 until 3 V"),
        (["Hold at 4.3 V for 1 h"], "Charge at C/5 until 4.2 V"),
        (["Charge at C/10 until 4.3 V"], "Hold at 4.3 V until C/5"),
        (["Charge at C/10 until 4.3 V"], "Hold at 4.3 V until C/10"),
        (["Charge at 1 mA/cm2 until 4.3 V"], "Hold at 4.3 V until 2 mA/cm2"),
    ],
)
def test_an_end_that_is_passed_before_the_step_begins_can_never_be_met(before, words):
    with pytest.raises(InputError, match=r"can never be met: .*; end (above|below)"):
        protocol([*before, words], pressure=5e6)
    steps = [*protocol(before, pressure=5e6), one(words)]
    with pytest.raises(InputError, match=rf"step {len(steps)}, .* can never be met"):
        Protocol(steps=tuple(steps))


@pytest.mark.parametrize(
    "words",
    [
        ["Charge at C/5 until 4.3 V", "Charge at C/20 until 4.3 V"],
        ["Charge at C/5 until 4.3 V", "Hold at 4.3 V until C/20", "Discharge at C/5 until 2.8 V"],
        ["Charge at C/5 until 4.3 V", "Rest for 99 h", "Charge at C/5 until 4.2 V"],
        ["Charge at C/5 until 4.3 V or 1 h", "Charge at C/5 until 4.2 V"],
        ["Charge at C/5 for 1 h", "Discharge at C/5 until 4.2 V"],
        ["Discharge at C/5 until 2.8 V", "Hold at 2.8 V until C/20", "Discharge at C/5 until 2 V"],
    ],
)
def test_ends_that_can_be_met_are_kept(words):
    assert len(protocol(words, pressure=5e6)) == len(words)


@pytest.mark.parametrize("times", [0, -1, True, 2.0])
def test_a_repeat_is_a_number_of_times(times):
    with pytest.raises(InputError, match="is no number of times"):
        protocol(repeat(times, *CYCLE), pressure=5e6)


def test_what_is_no_protocol_is_refused():
    with pytest.raises(InputError, match="one step or more"):
        protocol([], pressure=5e6)
    with pytest.raises(InputError, match=r"not 3\.5"):
        protocol(["Rest for 1 h", 3.5], pressure=5e6)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rate": 0.0}, "rate 0 is not positive"),
        ({"rate": float("nan")}, "rate nan is not positive"),
        ({"rate": 1e4}, "implausibly large"),
        ({"cycle": -1}, "cycle=-1 is negative"),
        ({"tag": "a [b]"}, "has a bracket"),
        ({"tag": " a"}, "space around it"),
        ({"kind": "pulse"}, "not 'pulse'"),
        ({"until": ()}, "has no end"),
    ],
)
def test_a_step_built_by_hand_is_checked_too(change, why):
    with pytest.raises(InputError, match=why):
        replace(one(CYCLE[0]), **change)


def test_cycle_numbers_never_fall():
    step = one("Rest for 1 h at 5 MPa")
    with pytest.raises(InputError, match="cycle numbers never fall"):
        Protocol(steps=(replace(step, cycle=1), step))


# --- the study ------------------------------------------------------------------------


@pytest.mark.parametrize("name", STUDIES)
def test_the_study_stays_within_its_window_and_pressure(name):
    made = study_protocol(name)
    low, high = made.window
    assert high == (1.0 if name == "paper-half-cell" else 4.3)
    assert low in (2.8, 1.0, 4.3)
    assert max(made.pressures) == pytest.approx(7e6)
    assert made.name == name


@pytest.mark.parametrize("name", [n for n in STUDIES if n != "paper-rest"])
def test_the_study_begins_with_an_activation_at_a_tenth(name):
    made = study_protocol(name)
    for step in made:
        slow = step.cycle == 0
        assert step.rate == pytest.approx(0.1 if slow else 0.2)
        assert step.tag == ("activation" if slow else "")


def pressures(name, **how):
    made = study_protocol(name, **how)
    return {n: round(made.of_cycle(n)[0].pressure / 1e6) for n in made.cycles}


@pytest.mark.paper("Fig. 5", says="25 cycles at C/5, 7 MPa, EIS every 5 cycles at 100 % SOC")
def test_the_foil_cell_is_looked_at_every_five_cycles_when_charged():
    made = study_protocol("paper-li-foil")
    assert set(pressures("paper-li-foil").values()) == {7}
    looked = [step for step in made if step.eis]
    assert [step.cycle for step in looked] == [0, 5, 10, 15, 20, 25]
    assert {step.kind for step in looked} == {"charge"}


@pytest.mark.paper("Fig. 7", says="the 16th cycle is at 1 MPa")
def test_the_sixteenth_cycle_is_the_first_at_one_megapascal():
    held = pressures("paper-reservoir-free")
    assert [held[n] for n in (0, 1, 5, 6, 10, 11, 15, 16, 20)] == [7, 7, 7, 5, 5, 3, 3, 1, 1]
    assert held == pressures("paper-half-cell") == pressures("paper-li-foil-steps")


@pytest.mark.paper("Fig. 7e", says="activation and 5 cycles at 7 MPa, then 5 MPa to cycle 120")
def test_the_long_run_lowers_its_pressure_once():
    held = pressures("paper-120")
    assert len(held) == 121
    assert {n for n, p in held.items() if p == 7} == set(range(6))
    assert {n for n, p in held.items() if p == 5} == set(range(6, 121))


@pytest.mark.paper("Fig. 6", says="2 mAh/cm² at C/10, then C/5")
def test_the_half_cell_plates_the_same_in_every_cycle():
    made = study_protocol("paper-half-cell")
    assert made.first == "discharge"
    plated = [s.rate * s.end("duration") / 3600 for s in made if s.kind == "discharge"]
    assert plated == pytest.approx([1.0] * 21)  # of 2 mAh/cm²


@pytest.mark.paper("Fig. 8a", says="18 h at open circuit after 4.3 V, a spectrum every 2 h")
def test_the_rest_is_looked_at_every_two_hours_for_eighteen():
    made = study_protocol("paper-rest")
    assert made.steps[0].kind == "rest"
    assert made.steps[0].end("duration") == pytest.approx(18 * 3600)  # F198: empty
    rests = [step for step in made.steps[1:] if step.kind == "rest"]
    assert sum(step.end("duration") for step in rests) == pytest.approx(18 * 3600)
    assert {step.end("duration") for step in rests} == {7200.0}
    assert all(step.eis for step in made.steps[1:])


def test_more_cycles_than_the_study_ran_go_on_at_its_last_pressure():
    assert set(pressures("paper-120", cycles=3).values()) == {7}
    more = pressures("paper-reservoir-free", cycles=30)
    assert len(more) == 31
    assert {more[n] for n in range(16, 31)} == {1}
    assert study_protocol("paper-li-foil", cycles=0).cycles == (0,)


def test_a_wrong_name_or_count_is_refused():
    with pytest.raises(InputError, match="did you mean 'paper-half-cell'"):
        study_protocol("paper-halfcell")
    with pytest.raises(InputError, match="no number of cycles"):
        study_protocol("paper-120", cycles=-1)
    with pytest.raises(InputError, match="no cycle to count"):
        study_protocol("paper-rest", cycles=5)
