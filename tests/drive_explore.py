"""Drive `bm.explore` in a real JupyterLab in headless Chromium: by hand, since it needs a browser.

    .venv/bin/pip install -e ".[interactive]" jupyterlab selenium
    .venv/bin/python -m tests.drive_explore some/folder

Chromium and its driver must be on the PATH (Debian: chromium, chromium-driver). It moves sliders by the keyboard, as a
reader would, checks that density, table, verdict and the line of Python follow, prints the time from a key press to the
new picture, and leaves screenshots in the folder. It fails on an error in the browser's console.
"""

import json
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

CELLS = (
    "import bayesmix as bm\n"
    'arms = bm.load_dataset("arm_lengths")\n'
    'explorer = bm.explore(arms["length"], random_seed=1)\n'
    "explorer",
    "y = arms['length']\n"
    "again = eval(explorer.code.replace('random_seed=1', 'random_seed=1, progressbar=False'))\n"
    "print(explorer.code)\n"
    "print('equal', bool((again.idata['posterior']['w'] == explorer.fit.idata['posterior']['w']).all()))",
)
#: Notes in the page when a key goes down, and when a picture other than the last one has been loaded.
WATCH = """
window.pictures = []; window.pressed = 0; window.last = '';
document.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
document.addEventListener('load', event => {
  const image = event.target;
  if (image.tagName === 'IMG' && image.alt.startsWith('Density') && image.src !== window.last) {
    window.last = image.src;
    window.pictures.push(performance.now());
  }
}, true);
"""


class Notebook:
    """A page with the notebook."""

    def __init__(self, url, folder):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1100,1300"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver, self.folder = webdriver.Chrome(options, service), folder
        self.driver.get(url)
        self.driver.execute_script(WATCH)

    def wait(self, what, seconds=120):
        return WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: what())

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def run_cell(self, number):
        self.wait(lambda: [e for e in self.all(".jp-StatusBar-TextItem") if "| Idle" in e.text])
        self.wait(lambda: self.all(".jp-CodeCell .cm-content")[number].is_displayed())
        self.all(".jp-CodeCell .cm-content")[number].click()
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()

    def slider(self, label):
        """The row of a slider, by its visible description."""
        for row in self.all(".widget-inline-hbox"):
            names = row.find_elements(By.CSS_SELECTOR, ".widget-label")
            if names and names[0].text == label:
                return row
        raise LookupError(f"no slider called {label!r}")

    def handle(self, label, number=0):
        return self.slider(label).find_elements(By.CSS_SELECTOR, ".noUi-handle")[number]

    def press(self, label, key, handle=0):
        """Press a key on a slider's handle; return the seconds until a new picture has been drawn."""
        before = self.driver.execute_script("return window.pictures.length")
        self.handle(label, handle).send_keys(key)
        self.wait(lambda: self.driver.execute_script("return window.pictures.length") > before)
        return self.driver.execute_script("return window.pictures.at(-1) - window.pressed") / 1000

    def settled(self, line):
        """Whether the screen is that of a line of Python, and not fainter since something is being fitted."""
        waits = self.all(".bayesmix-explore-waits")
        return not waits and self.all("img[alt^='Density']") and self.screen()["line"] == line

    def screen(self):
        """What can be read: source of the picture, table, verdict, line of Python."""
        return {
            "picture": self.all("img[alt^='Density']")[0].get_attribute("src"),
            "table": self.all(".jp-OutputArea table")[0].text,
            "verdict": next(p.text for p in self.all(".jp-OutputArea p") if p.text.startswith("The fit")),
            "line": self.all(".jp-OutputArea pre code")[0].text,
        }

    def picture(self, name):
        self.driver.save_screenshot(str(self.folder / f"{name}.png"))

    def show_sliders(self):
        script = "document.querySelector('.widget-inline-hbox').scrollIntoView({block: 'start'})"
        self.driver.execute_script(script)
        time.sleep(0.5)

    def errors(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


def write_notebook(folder):
    cells = [
        {"cell_type": "code", "id": f"c{i}", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for i, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "explore.ipynb").write_text(json.dumps(content))


def start_server(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    options = [f"--ServerApp.root_dir={folder}", f"--port={port}", f"--IdentityProvider.token={token}"]
    options += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *options]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(240):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server, f"http://127.0.0.1:{port}/doc/tree/explore.ipynb?token={token}"
        except OSError:
            time.sleep(0.25)
    raise TimeoutError((folder / "server.log").read_text())


def stop(server):
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:  # it asks what to do about kernels that are still starting
        server.kill()
        server.wait()


def changed(before, after, *parts):
    for part in parts:
        assert before[part] != after[part], f"{part} did not change"


def drive(notebook):
    notebook.run_cell(0)
    notebook.wait(lambda: notebook.driver.execute_script("return window.pictures.length"), 90)
    notebook.picture("1-start")
    start = notebook.screen()
    assert start["line"] == "bm.Mixture(2).fit(y, random_seed=1)"

    notebook.press("components", Keys.ARROW_RIGHT)
    three = notebook.screen()
    changed(start, three, "picture", "table", "verdict", "line")
    assert three["line"] == "bm.Mixture(3).fit(y, random_seed=1)"
    notebook.picture("2-three")

    notebook.press("components", Keys.ARROW_LEFT)
    assert notebook.screen() == start
    moves = [notebook.press("mu of length", Keys.ARROW_RIGHT) for _ in range(10)]
    moved = notebook.screen()
    changed(start, moved, "picture", "table", "verdict", "line")
    notebook.picture("3-prior")
    print("seconds from a move of the prior to the picture:", *(f"{seconds:.2f}" for seconds in moves))
    print(f"median {statistics.median(moves):.2f}")

    notebook.press("intervals", Keys.ARROW_RIGHT)
    wider = notebook.screen()
    changed(moved, wider, "picture", "table")
    assert wider["verdict"] == moved["verdict"]
    assert wider["line"] == moved["line"]

    more = [notebook.press("components", Keys.ARROW_RIGHT) for _ in range(4)]
    print("seconds to three, four, five and six components:", *(f"{seconds:.2f}" for seconds in more))
    notebook.picture("4-six")

    # Several moves at once: the last one counts, and what lies between is not drawn in full.
    notebook.handle("components").send_keys(Keys.ARROW_LEFT * 4)
    notebook.handle("components").send_keys(Keys.ARROW_RIGHT * 5)
    ActionChains(notebook.driver).drag_and_drop_by_offset(notebook.handle("sigma of length", 1), -20, 0).perform()
    line = notebook.wait(lambda: "sigma" in notebook.screen()["line"] and notebook.screen()["line"])
    assert line.startswith('bm.Mixture(7, priors={"mu": bm.priors.Between(15, 34.5), "sigma": bm.priors.Between(0.45, ')
    notebook.wait(lambda: notebook.settled(line))
    assert "Fit of 7 normal components" in notebook.all(".jp-OutputArea strong")[0].text
    notebook.picture("5-seven")

    notebook.run_cell(1)
    notebook.wait(lambda: [t for t in notebook.all(".jp-OutputArea-output") if "equal True" in t.text])
    for width in (800, 420):
        notebook.driver.set_window_size(width, 1500)
        notebook.show_sliders()
        notebook.picture(f"6-{width}-pixels")
    errors = notebook.errors()
    assert not errors, errors


def main():
    screenshots = Path(sys.argv[1])
    screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        write_notebook(Path(name))
        server, url = start_server(Path(name))
        notebook = None
        try:
            notebook = Notebook(url, screenshots)
            drive(notebook)
        except BaseException:
            if notebook is not None:
                notebook.picture("failed")
                print(*notebook.driver.get_log("browser"), sep="\n")
            raise
        finally:
            if notebook is not None:
                notebook.driver.quit()
            stop(server)
    print("density, table, verdict and line follow the sliders; no error in the console")


if __name__ == "__main__":
    main()
