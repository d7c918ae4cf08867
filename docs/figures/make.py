"""Make the figures of the documentation again: python docs/figures/make.py (minutes)."""

from pathlib import Path

from dualyte import built_in, draw, predict_interface
from dualyte.plot import contact_map, resistance_curve

HERE = Path(__file__).parent
STACK = 6e6  # Pa, of the map


def main():
    found = predict_interface(built_in(), seeds=20)
    low = int(abs(found.pressure - STACK).argmin())
    for figure, dpi in ((resistance_curve(found), 220), (contact_map(found, low), 180)):
        draw(figure).savefig(HERE / f"{figure.name}.png", dpi=dpi)


if __name__ == "__main__":
    main()
