"""From a CSV file to a report that a colleague can read.

    python examples/report.py [--out FOLDER] [--quick]

Writes the arm lengths as a CSV file, as if they came from elsewhere, reads it with pandas, compares the numbers of
groups and writes what that says as HTML and as Markdown. The HTML page is one file, needs no network, and prints.
With --quick it uses fewer draws.
"""

import argparse
from pathlib import Path

import pandas as pd

import bayesmix as bm


def main() -> None:
    parser = argparse.ArgumentParser(description="From a CSV file to a report.")
    parser.add_argument("--out", type=Path, default=Path("bayesmix-report"), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / "lengths.csv"
    bm.load_dataset("arm_lengths").to_csv(path, index=False)

    frame = pd.read_csv(path)
    choice = bm.choose_components(
        frame["length"], range(1, 4), draws=1000 if chosen.quick else 2000, random_seed=1, progressbar=False
    )
    report = bm.report(choice, n_components=2, labels=frame["nlabel"], classes=["child", "adult"])

    report.to_html(chosen.out / "report.html")
    report.to_markdown(chosen.out / "report.md")
    print(report.lead)
    print("Sections:", "; ".join(section.title for section in report.sections))
    print(f"Written to {chosen.out}: {', '.join(sorted(file.name for file in chosen.out.iterdir()))}")


if __name__ == "__main__":
    main()
