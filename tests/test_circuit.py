"""Circuits: every element against its closed form, its limits, and the strings people write."""

from functools import reduce

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualyte import InputError
from dualyte.circuit import elements as el
from dualyte.circuit.elements import TLM, ZARC, C, G, K, L, Parallel, Q, R, Series, W, Wo, Ws
from dualyte.circuit.strings import parse, write
from dualyte.exact.arcs import peak_capacitance
from dualyte.numerics import network

OMEGA = np.logspace(-6, 12, 37)  # rad/s: beyond any instrument on both sides
INF = float("inf")

#: Written again with mpmath, as textbooks have them.
CLOSED = {
    R: lambda s, R: R,
    C: lambda s, C: 1 / (s * C),
    L: lambda s, L: s * L,
    Q: lambda s, Q, n: 1 / (Q * s**n),
    W: lambda s, W: W * mp.sqrt(2 / s),
    Ws: lambda s, R, tau: R * mp.tanh(mp.sqrt(s * tau)) / mp.sqrt(s * tau),
    Wo: lambda s, R, tau: R * mp.coth(mp.sqrt(s * tau)) / mp.sqrt(s * tau),
    ZARC: lambda s, R, tau, n: R / (1 + (s * tau) ** n),
    K: lambda s, R, tau: R / (1 + s * tau),
    G: lambda s, R, tau: R / mp.sqrt(1 + s * tau),
    TLM: lambda s, a, b, R, Q, n: line(s, a, b, 1 / R + Q * s**n),
}
EXAMPLES = [
    R(3e-3), C(2e-2), L(1e-9), Q(3.6e-2, 0.727), Q(1e-6, 1.0), W(1e-3), ZARC(8e-3, 1e-6, 0.9),
    ZARC(1.0, 1e3, 0.4), K(3e-3, 1e-4), G(2e-3, 0.1),
    *(kind(1e-2, tau) for kind in (Ws, Wo) for tau in (1e-9, 1e-3, 1.0, 1e4)),
    TLM(1e-2, 3e-3, 5e-2, 1e-1, 0.9), TLM(1e-2, 1e-9, 1e-3, 1e2, 0.7), TLM(1e-2, 1e-9, 1e9, 1, 1),
]  # fmt: skip


def line(s, a, b, y):
    """Transmission line with y between the rails, both rails resistive: ν² = (a + b) y."""
    nu = mp.sqrt((a + b) * y)
    return a * b / (a + b) * (1 - 2 * mp.tanh(nu / 2) / nu) + (a + b) * mp.coth(nu) / nu


def numbers(circuit):
    return list(circuit.parameters.values())


def reference(circuit, omega, shift=None):
    """Impedance to 60 digits; `shift` adds something to one of the numbers."""
    p = [mp.mpf(x) for x in numbers(circuit)]
    if shift:
        p[shift[0]] += shift[1]
    return CLOSED[type(circuit)](mp.mpc(0, omega), *p)


def complex_step(circuit, omega, k):
    """∂Z/∂p_k of a function that is analytic in p: (Z(p + ih) − Z(p − ih))/2ih."""
    h = mp.mpf(numbers(circuit)[k]) * mp.mpf("1e-20")
    up, down = (reference(circuit, omega, (k, sign * mp.mpc(0, h))) for sign in (1, -1))
    return (up - down) / (2 * mp.mpc(0, h))


# --- elements ---------------------------------------------------------------------------


@pytest.mark.parametrize("circuit", EXAMPLES, ids=repr)
def test_an_element_is_its_closed_form(circuit):
    with mp.workdps(60):
        known = np.array([complex(reference(circuit, w)) for w in OMEGA])
    z, _ = network.evaluate(el.program(circuit), np.array(numbers(circuit)), OMEGA)
    assert np.abs(z / known - 1).max() < 1e-13
    assert np.abs(circuit.z(1j * OMEGA) / known - 1).max() < 1e-13


@pytest.mark.parametrize("circuit", EXAMPLES, ids=repr)
def test_derivatives_are_those_of_a_complex_step(circuit):
    _, slopes = network.evaluate(el.program(circuit), np.array(numbers(circuit)), OMEGA)
    for k, slope in enumerate(slopes):
        with mp.workdps(60):
            known = np.array([complex(complex_step(circuit, w, k)) for w in OMEGA])
        assert np.abs(slope / known - 1).max() < 1e-10


@pytest.mark.parametrize("kind", [Ws, Wo])
def test_diffusion_is_smooth_where_its_series_ends(kind):
    """The hyperbolic functions are summed as series below |√(sτ)| = 0.05."""
    omega = 0.05**2 * np.linspace(0.9, 1.1, 41)
    circuit = kind(2.0, 1.0)
    z, slopes = network.evaluate(el.program(circuit), np.array([2.0, 1.0]), omega)
    with mp.workdps(60):
        known = np.array([complex(reference(circuit, w)) for w in omega])
        slope = np.array([complex(complex_step(circuit, w, 1)) for w in omega])
    assert np.abs(z / known - 1).max() < 1e-14
    assert np.abs(slopes[1] / slope - 1).max() < 1e-12


@pytest.mark.parametrize("circuit", EXAMPLES, ids=repr)
def test_an_impedance_scales_as_its_numbers_say(circuit):
    scaled = {
        name: x * 7.0 ** el.kinds(circuit)[name].amplitude for name, x in circuit.parameters.items()
    }
    ratio = circuit.at(**scaled).z(1j * OMEGA) / circuit.z(1j * OMEGA)
    assert np.abs(ratio / 7 - 1).max() < 1e-12


# --- limits -----------------------------------------------------------------------------

SLOW, FAST = 1e-9j, 1e9j  # s τ far below and above one, for τ = 1 s


def test_a_short_diffusion_layer_is_its_resistance_at_dc_and_a_warburg_element_above():
    assert Ws(5.0, 1.0).z(SLOW) == pytest.approx(5.0, rel=1e-9)
    assert Ws(5.0, 1.0).z(FAST) == pytest.approx(complex(W(5 / 2**0.5).z(FAST)), rel=1e-12)


def test_a_closed_diffusion_layer_is_a_third_of_its_resistance_and_a_capacitance_at_dc():
    rest = Wo(5.0, 1.0).z(SLOW) - C(1 / 5.0).z(SLOW)
    assert rest.real == pytest.approx(5 / 3, rel=1e-6)
    assert Wo(5.0, 1.0).z(FAST) == pytest.approx(complex(Ws(5.0, 1.0).z(FAST)), rel=1e-12)


def test_a_gerischer_element_is_its_resistance_at_dc_and_a_warburg_element_above():
    assert G(5.0, 1.0).z(SLOW) == pytest.approx(5.0, rel=1e-8)
    assert G(5.0, 1.0).z(FAST) == pytest.approx(complex(W(5 / 2**0.5).z(FAST)), rel=1e-8)


def test_elements_that_are_special_cases_of_others_agree():
    s = 1j * OMEGA
    pairs = [
        (Q(2e-2, 1.0), C(2e-2)),
        (Q(1 / (3 * 2**0.5), 0.5), W(3.0)),
        (ZARC(2.0, 1e-3, 0.8), R(2.0) | Q(1e-3**0.8 / 2, 0.8)),
        (ZARC(2.0, 1e-3, 1.0), K(2.0, 1e-3)),
        (K(2.0, 1e-3), R(2.0) | C(1e-3 / 2)),
        (TLM(1.0, 2.0, INF, 1e-3, 1.0), TLM(2.0, 1.0, INF, 1e-3, 1.0)),
    ]
    for a, b in pairs:
        assert np.abs(a.z(s) / b.z(s) - 1).max() < 1e-12


def test_a_line_with_a_metal_rail_is_that_of_de_levie():
    """√(R/Qsⁿ) coth √(R Qsⁿ) of a pore with blocking walls."""
    omega = np.logspace(-6, 9, 31)
    y = 0.2 * np.exp(0.9 * np.log(1j * omega))
    levie = np.sqrt(3 / y) / np.tanh(np.sqrt(3 * y))
    for rail in (0.0, 1e-12):
        line = TLM(3.0, rail, INF, 0.2, 0.9)
        z, slopes = network.evaluate(el.program(line), np.array(numbers(line)), omega)
        assert np.abs(z / levie - 1).max() < 1e-7
        assert np.abs(line.z(1j * omega) / levie - 1).max() < 1e-7
        assert np.isfinite(slopes).all()
    assert levie[0] - 1 / y[0] == pytest.approx(3 / 3, rel=1e-4)  # a third of the pore


def test_a_line_that_only_transfers_adds_up_at_dc():
    """Blocking nowhere and short: both rails are thirds, and the transfer is in series."""
    z = TLM(1e-3, 2e-3, 50.0, 1e-3, 1.0).z(1e-12j)
    assert z == pytest.approx(50.0 + (1e-3 + 2e-3) / 3 - 0.0, rel=1e-6)


def test_a_line_is_its_two_rails_side_by_side_at_high_frequency():
    z = TLM(1.0, 2.0, INF, 1e-3, 1.0).z(1e15j)
    assert z == pytest.approx(1 * 2 / 3, rel=1e-5)


def ladder(line, s, n):
    """The same electrode as n resistors along either rail, solved node by node.

    Current enters the ionic rail on one side and leaves the electronic one on the other.
    """
    y = (1 / line.R + line.Q * s**line.n) / n
    G_ion, G_el = n / line.Rion, n / line.Rel
    A = np.zeros((2 * n, 2 * n), complex)
    for k in range(n):
        A[k, k] += y
        A[n + k, n + k] += y
        A[k, n + k] -= y
        A[n + k, k] -= y
        for first, conductance in ((0, G_ion), (n, G_el)):
            if k + 1 < n:
                i, j = first + k, first + k + 1
                A[[i, j], [i, j]] += conductance
                A[[i, j], [j, i]] -= conductance
    A[2 * n - 1, 2 * n - 1] += 2 * G_el  # half a cell to the collector, at zero potential
    current = np.zeros(2 * n)
    current[0] = 1.0
    return np.linalg.solve(A, current)[0] + 1 / (2 * G_ion)  # half a cell to the separator


@pytest.mark.parametrize("s", [1e-2j, 1j, 30j])
def test_a_ladder_of_resistors_becomes_the_line_with_the_square_of_its_step(s):
    line = TLM(1.0, 0.5, 4.0, 0.3, 0.9)
    errors = [abs(ladder(line, s, n) - line.z(s)) for n in (40, 80, 160)]
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 1e-3 * abs(line.z(s))
    assert rates == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(
    "circuit",
    [
        ZARC(2.0, 1.0, 0.8), K(2.0, 1.0), G(2.0, 1.0), Ws(2.0, 1.0), R(1.0) | Q(0.5, 0.7),
        (R(1.0) + Ws(1.0, 3.0)) | C(1e-2), TLM(1.0, 0.5, 4.0, 0.3, 0.9),
    ],
    ids=repr,
)  # fmt: skip
def test_the_imaginary_part_follows_from_the_real_one(circuit):
    """Kramers–Kronig: Im Z(ω) = (2ω/π) ∫ (Re Z(x) − Re Z(ω))/(x² − ω²) dx."""
    u = np.linspace(-45, 45, 90001)  # ln(x/ω); ω itself lies between two points
    u = (u[1:] + u[:-1]) / 2
    for w in (0.03, 1.0, 40.0):
        x = w * np.exp(u)
        change = circuit.z(1j * x).real - circuit.z(1j * w).real
        im = 2 * w / np.pi * np.sum(change * x / (x**2 - w**2)) * (u[1] - u[0])
        assert im == pytest.approx(circuit.z(1j * w).imag, rel=1e-5)


# --- composition ------------------------------------------------------------------------

POSITIVE = st.floats(-4, 2).map(lambda x: 10.0**x)
EXPONENT = st.floats(0.3, 1.0)
NUMBER = {"n": EXPONENT}


@st.composite
def leaves(draw, kinds=el.ELEMENTS):
    kind = draw(st.sampled_from(kinds))
    return kind(*(draw(NUMBER.get(name, POSITIVE)) for name in kind.kinds))


def trees(kinds=el.ELEMENTS):
    def joined(inner):
        return st.builds(lambda join, a, b: join(a, b), st.sampled_from((Series, Parallel)), inner,
                         inner)  # fmt: skip

    return st.recursive(leaves(kinds), joined, max_leaves=7)


LABELS = ("0", "1", "10", "gb", "he_2", "R", "bulk", "b1", "2b", "x", "2R", "1C2")


@st.composite
def circuits(draw, kinds=el.ELEMENTS):
    """Any circuit, its elements named apart."""
    names = iter(draw(st.permutations(LABELS)))

    def named(part):
        if isinstance(part, Series | Parallel):
            return type(part)(named(part.a), named(part.b))
        values = {name: getattr(part, name) for name in el.own(type(part))}
        return type(part)(**values, name=next(names))

    return named(draw(trees(kinds)))


PASSIVE = tuple(kind for kind in el.ELEMENTS if kind is not L)  # no resonance to cancel at


def tree_reference(circuit, s, numbers):
    """Impedance of a circuit with mpmath, its numbers taken from an iterator."""
    if isinstance(circuit, Series | Parallel):
        a = tree_reference(circuit.a, s, numbers)
        b = tree_reference(circuit.b, s, numbers)
        return a + b if isinstance(circuit, Series) else a * b / (a + b)
    return CLOSED[type(circuit)](s, *(next(numbers) for _ in el.own(type(circuit))))


@settings(deadline=None)  # the first example compiles or imports
@given(circuits(PASSIVE), st.floats(-5, 8).map(lambda x: 10.0**x))
def test_derivatives_of_any_circuit_are_those_of_a_complex_step(circuit, w):
    p = np.array(numbers(circuit))
    z, slopes = network.evaluate(el.program(circuit), p, np.array([w]))
    assert circuit.z(1j * w) == pytest.approx(z[0], rel=1e-12)
    with mp.workdps(80):
        s, exact_p = mp.mpc(0, w), [mp.mpf(float(x)) for x in p]
        for k, slope in enumerate(slopes[:, 0]):
            h = exact_p[k] * mp.mpf("1e-25")
            moved = [
                tree_reference(circuit, s, iter([*exact_p[:k], exact_p[k] + x, *exact_p[k + 1 :]]))
                for x in (mp.mpc(0, h), mp.mpc(0, -h))
            ]
            known = complex((moved[0] - moved[1]) / (2 * mp.mpc(0, h)))
            # what is below 1e-14 of the whole impedance cannot be told in its digits
            assert abs(slope - known) * p[k] <= 1e-10 * abs(known) * p[k] + 1e-24 * abs(z[0])


def same(a, b, rel=1e-10):
    s = 1j * np.logspace(-3, 7, 11)
    return np.abs(a.z(s) / b.z(s) - 1).max() < rel


@settings(deadline=None)  # the first example compiles or imports
@given(trees(PASSIVE), trees(PASSIVE), trees(PASSIVE))
def test_series_and_parallel_commute_and_associate(a, b, c):
    assert same(a + b, b + a)
    assert same(a | b, b | a)
    assert same((a + b) + c, a + (b + c))
    assert same((a | b) | c, a | (b | c))


@settings(deadline=None)  # the first example compiles or imports
@given(trees(PASSIVE), trees(PASSIVE), st.floats(-4, 8).map(lambda x: 1j * 10.0**x))
def test_a_passive_circuit_never_returns_energy(a, b, s):
    z = (a | b).z(s)
    assert z.real >= -1e-13 * abs(z)


def test_an_arc_is_the_same_whichever_comes_first():
    s = OMEGA
    for pair in (R(2.0, "a") | Q(1e-3, 0.8, "a"), Q(1e-3, 0.8, "a") | R(2.0, "a")):
        found = pair.derivatives(s / (2 * np.pi))
        apart = (R(1.0, "b") + R(1.0, "c")) | Q(1e-3, 0.8, "a")
        known = apart.derivatives(s / (2 * np.pi))
        assert np.abs(found["R_a"] / known["R_b"] - 1).max() < 1e-12
        for name in ("Q_a", "n_a"):
            assert np.abs(found[name] / known[name] - 1).max() < 1e-12


def test_an_open_branch_leaves_the_other():
    open_arc = R(INF) | Q(1e-3, 0.8)
    z, slopes = network.evaluate(el.program(open_arc), np.array([INF, 1e-3, 0.8]), OMEGA)
    assert np.abs(z / Q(1e-3, 0.8).z(1j * OMEGA) - 1).max() < 1e-13
    assert (slopes[0] == 0).all()


def test_numbers_are_named_by_their_element_and_label():
    circuit = R(1.0) + (R(2.0, "gb") | Q(3.0, 0.9, "gb")) + TLM(1, 2, 3, 4, 0.5, "c")
    assert list(circuit.parameters) == [
        "R", "R_gb", "Q_gb", "n_gb", "Rion_c", "Rel_c", "R_c", "Q_c", "n_c",
    ]  # fmt: skip
    assert circuit.at(R_gb=7).parameters["R_gb"] == 7
    assert circuit.at(R_gb=7).at(R_gb=2) == circuit
    with pytest.raises(InputError, match=r"no parameter 'R_gbb'; best matches are R_gb"):
        circuit.at(R_gbb=7)
    with pytest.raises(InputError, match="both called R_gb; label them apart"):
        _ = (circuit + R(1.0, "gb")).parameters


@pytest.mark.parametrize("name", ["a b", "é", "_a", "a-b", "R+C"])
def test_a_label_that_no_string_could_carry_is_refused(name):
    with pytest.raises(InputError, match="cannot name an element"):
        R(1.0, name)


# --- strings ----------------------------------------------------------------------------


@settings(deadline=None)  # the first example compiles or imports
@given(circuits(), st.sampled_from(["infix", "impedance.py", "cdc"]))
def test_a_circuit_survives_being_written_and_read(circuit, style):
    text = write(circuit, style)
    found = parse(text) if style == "cdc" else parse(text, *numbers(circuit))
    assert list(found.parameters) == list(circuit.parameters)
    assert same(found, circuit, 1e-9)
    assert write(found, style) == write(parse(write(found, style), *numbers(found)), style)


@settings(deadline=None)  # the first example compiles or imports
@given(circuits())
def test_infix_strings_keep_how_a_circuit_was_put_together(circuit):
    assert parse(write(circuit), *numbers(circuit)) == circuit


@settings(deadline=None)  # the first example compiles or imports
@given(trees())
def test_elements_without_names_stay_without_while_they_can_be_told_apart(circuit):
    names = [name for part in el.elements(circuit) for name in el.own(type(part))]
    for style in ("infix", "impedance.py", "cdc"):
        found = [part.name for part in el.elements(parse(write(circuit, style)))]
        assert len(set(names)) == len(names) or all(found)
        assert len(set(names)) < len(names) or not any(found)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("R0-p(R1,CPE1)-Ws1", "R_0+(R_1|CPE_1)+Ws_1"),  # impedance.py
        ("R_0-p(R_1, CPE_1) - Wo_1", "R_0+(R_1|CPE_1)+Wo_1"),
        ("R10-p(R11-p(R12,C12),CPE_11)", "R_10+((R_11+(R_12|C_12))|CPE_11)"),
        ("p(R1,p(C1,C2),Zarc2)", "(R_1|(C_1|C_2)|Zarc_2)"),
        ("L_0-K0-K1-G_1", "L_0+K_0+K_1+G_1"),
        ("R_0-p(R_bulk,CPE_bulk)-CPE_tail", "R_0+(R_bulk|CPE_bulk)+CPE_tail"),
        ("R_0+(R_gb|Q_gb)+Q_tail", "R_0+(R_gb|CPE_gb)+CPE_tail"),  # infix
        ("(R1|Q1)+(R2|Q2)+Q3", "(R_1|CPE_1)+(R_2|CPE_2)+CPE_3"),  # EISFit
        ("R1 ∥ C1 − L1", "(R_1|C_1)+L_1"),
        ("R_1||C_1", "(R_1|C_1)"),
        ("R-p(R,CPE)-CPE", "R_0+(R_1|CPE_1)+CPE_2"),
        ("TLM", "TLM"),
        ("CPE1", "CPE_1"),
        ("R(RQ)(RQ)(Ws)", "R_0+(R_1|CPE_1)+(R_2|CPE_2)+Ws_3"),  # pyimpspec
        ("[R(RQ)]", "R_0+(R_1|CPE_1)"),
        ("!V=1![R{R=5.0E+00/0.0E+00/inf:bulk}(R{R=3F}Q{Y=1E-3,n=0.8F/0/1:gb 1})]",
         "R_bulk+(R|CPE_gb_1)"),
        ("R(C[RW])", "R_0+(C_1|(R_1+W_1))"),
        ("R(C[R(RQ)])", "R_0+(C_1|(R_1+(R_1_2|CPE_1)))"),
        ("R(C(RW))", "R_0+(C_1|(R_1+W_1))"),  # Boukamp: brackets alternate
        ("R(Q[RW])", "R_0+(CPE_1|(R_1+W_1))"),
        ("LR(QR(LR))T", "L_1+R_2+(CPE_3|R_3|(L_3+R_3_2))+Wo_4"),
        ("R1(R2C2)O", "R_1+(R_2|C_2)+Ws"),
        ("RC", "R+C"),
        ("R", "R"),
    ],
)  # fmt: skip
def test_each_dialect_says_the_same(text, meant):
    assert write(parse(text)) == meant
    assert write(parse(meant)) == meant


def test_numbers_of_a_code_are_read_from_its_braces():
    found = parse("R{R=5F:bulk}Ws{Y=0.1,B=2,n=0.5F/0/1:d}W{Y=0.1:w}G{Y=0.2,k=3:g}K{R=3,tau=0.1:k}")
    w = 2 * np.pi * 10.0
    x = np.sqrt(1j * w)
    short, gerischer = np.tanh(2**0.5 * x) / (0.1**0.5 * x), 1 / (0.2 * np.sqrt(3 + 1j * w))
    parts = [5, short, 1 / (0.1 * x), gerischer, 3 / (1 + 0.1j * w)]
    assert found.impedance(10.0) == pytest.approx(sum(parts), rel=1e-12)
    assert np.isnan(parse("R{:a}").parameters["R_a"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"^the circuit string is empty"),
        (" ", r"^the circuit string is empty"),
        ("R0-p(R1,CPE1", r"character 13: expected '\)', found the end"),
        ("R0-p(R1,CPE1))", r"character 14: unexpected '\)'"),
        ("R0--R1", r"character 4: expected an element such as R1 or CPE_gb, found '-'"),
        ("R0-p()", r"character 6: expected an element .* found '\)'"),
        ("R0-", r"character 4: expected an element .* found the end"),
        ("R0-X1", r"character 4: 'X' is no element"),
        ("r0-C1", r"character 1: 'r' is no element .* did you mean 'R'\?"),
        ("R0-CEP1", r"character 4: 'CEP' is no element .* did you mean 'C_EP'|'CPE'"),
        ("Rgb-C1", r"'Rgb' is no element .* did you mean 'R_gb'\?"),
        ("R0-La1", r"La \(a lossy inductor\) is not an element here"),
        ("R0-TLMQ1", r"TLMQ .* write a TLM with Rel = 0 and R = inf held"),
        ("R0-T1", r"T \(two meanings.* write Wo or TLM\)"),
        ("R_0-R_0", r"two elements are both called R_0; label them apart"),
        ("(R1|Q1)+(R2|Q1)+Q2", r"both called Q_1, n_1"),
        ("R(RQ", r"character 5: expected '\)', found the end"),
        ("R(RQ]", r"character 5: expected an element, found '\]'"),
        ("R()", r"character 3: nothing between the brackets"),
        ("R(RX)", r"character 4: 'X' is no element"),
        ("R(HC)", r"character 3: H \(Havriliak-Negami\) is not an element here"),
        ("R{R=5", r"character 2: the brace does not close"),
        ("R{R=five}", r"character 1: 'R=five' is no number"),
        ("R{Y=5}", r"R has no number Y; it has R"),
        ("Ws{Y=0.1}", r"Ws needs B too"),
        ("W{Y=0.1,n=0.4}", r"W has an exponent that is not 0.5"),
        ("Ws{Y=0,B=2}", r"the numbers of Ws must be positive"),
        ("R1;C1", r"character 3: expected an element, found ';'"),
        ("__import__('os')", r"character 1: expected an element"),
        ("(" * 60 + "R1" + ")" * 60 + "+C1", r"nested more than 50 deep"),
        ("-".join(f"R{k}" for k in range(200)), r"more than 100 elements"),
    ],
)
def test_a_wrong_string_is_one_sentence_that_says_where(text, says):
    with pytest.raises(InputError, match=says) as told:
        parse(text)
    assert "\n" not in str(told.value)


@settings(deadline=None)  # the first example compiles or imports
@given(st.text(alphabet="RCLQWspoPE()[]{}|+-_,=:.0123é \n", max_size=25))
def test_any_text_is_a_circuit_or_one_clear_refusal(text):
    try:
        found = parse(text)
    except InputError:
        return
    assert found.parameters


def test_values_must_be_as_many_as_the_circuit_has():
    with pytest.raises(InputError, match=r"has 4 parameters \(R_0, R_1, Q_1, n_1\), not 1"):
        parse("R0-p(R1,CPE1)", 1.0)
    with pytest.raises(InputError, match="circuit style 'zview' is none of infix"):
        write(R(1.0), "zview")


# --- arcs -------------------------------------------------------------------------------


def test_arcs_are_found_with_their_numbers():
    circuit = parse(
        "R_0-p(R_bulk,CPE_bulk)-p(R_gb-W_d,C_gb)-Zarc_z-K_k-CPE_tail",
        1, 2, 1e-6, 0.8, 3, 9, 1e-5, 4, 0.1, 0.9, 5, 0.2, 1e-3, 0.9,
    )  # fmt: skip
    found = {arc.name: arc for arc in el.arcs(circuit)}
    assert list(found) == ["bulk", "gb", "z", "k"]
    assert (found["bulk"].R, found["bulk"].Q, found["bulk"].n) == (2, 1e-6, 0.8)
    assert (found["gb"].R, found["gb"].Q, found["gb"].n) == (3, 1e-5, 1)
    assert found["z"].tau == pytest.approx(0.1)
    assert found["k"].capacitance() == pytest.approx(0.2 / 5)
    assert {arc.series for arc in found.values()} == {1}


def test_an_arc_peaks_at_its_frequency():
    arc = R(2.0, "a") | Q(1e-4, 0.7, "a")
    (told,) = el.arcs(R(5.0) + arc)
    f = told.frequency * np.array([0.98, 1.0, 1.02])
    im = -arc.impedance(f).imag
    assert im[1] > max(im[0], im[2])
    assert told.R * told.capacitance() == pytest.approx(told.tau)
    known = float(peak_capacitance(2.0, told.frequency))
    assert told.capacitance() == pytest.approx(known)


@settings(deadline=None)  # the first example compiles or imports
@given(POSITIVE, POSITIVE, EXPONENT)
def test_two_formulas_of_capacitance_agree_where_they_should(r, q, n):
    told = el.arcs(R(1.0) + (R(r, "a") | Q(q, n, "a")))[0]
    assert told.capacitance("brug") <= told.capacitance() * (1 + 1e-12)
    far = el.arcs(R(1e30) + (R(r, "a") | Q(q, n, "a")))[0]
    assert far.capacitance("brug") == pytest.approx(far.capacitance(), rel=1e-9)
    ideal = el.arcs(R(1.0) + (R(r, "a") | Q(q, 1.0, "a")))[0]
    assert ideal.capacitance() == pytest.approx(q)
    assert ideal.capacitance("brug") == pytest.approx(q)


def test_a_formula_that_cannot_be_used_says_why():
    (arc,) = el.arcs(R(2.0, "a") | Q(1e-4, 0.7, "a"))
    with pytest.raises(InputError, match="needs a resistance in series with arc 'a'"):
        arc.capacitance("brug")
    with pytest.raises(InputError, match="'brugg' is none of hsu_mansfeld, brug"):
        arc.capacitance("brugg")


def test_blocks_are_the_parts_in_series():
    circuit = reduce(Series, [R(1.0), R(2.0, "a") | C(1.0), L(3.0)])
    assert el.blocks(circuit) == [R(1.0), R(2.0, "a") | C(1.0), L(3.0)]
    assert len(list(el.elements(circuit))) == 4
