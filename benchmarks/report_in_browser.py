"""How large the report is, how soon it can be used, and how long a step of the threshold takes, in Chromium.

    python benchmarks/report_in_browser.py [REPORT] [--rounds 5]

It can be used when every chart is drawn and the slider answers. Needs chromium, or its path in CHROMIUM.
"""

import argparse
import os
import shutil
import statistics
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

# Two frames after the load event: the charts are drawn once their width is known.
USABLE = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (![...document.querySelectorAll(".plot")].every((plot) => plot.querySelector("svg"))) await frame();
  await frame();
  return performance.now();
}"""
STEP = """async () => {
  const range = document.querySelector("#threshold");
  const start = performance.now();
  for (let place = 0; place < 200; place++) {
    range.value = place * 5;
    range.dispatchEvent(new Event("input"));
    document.body.offsetWidth; // lays the page out
  }
  return (performance.now() - start) / 200;
}"""


def measure(browser: Browser, report: Path, width: int) -> tuple[float, float]:
    """Return milliseconds from the start of the navigation until the page can be used, and of a step."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(report.resolve().as_uri())
    measured = page.evaluate(USABLE), page.evaluate(STEP)
    page.close()
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", nargs="?", type=Path, default=Path("data/08_reporting/report.html"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    print(f"{arguments.report}: {arguments.report.stat().st_size / 1024:,.0f} KiB")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in (390, 1280):
            rounds = [measure(browser, arguments.report, width) for _ in range(arguments.rounds)]
            usable, step = (statistics.median(times) for times in zip(*rounds, strict=True))
            print(f"{width} pixels wide: usable after {usable:,.0f} ms, a step of the threshold takes {step:.1f} ms")
        browser.close()


if __name__ == "__main__":
    main()
