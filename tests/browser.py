"""A page in headless Chromium, driven over the pipe of its own protocol: window, theme, scripts, pictures."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

#: Texts whose contrast with what is behind them is below 4.5, as [text, contrast].
CONTRAST = """(() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const found = numbers(getComputedStyle(element).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const faint = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, text = texts.currentNode.textContent.trim();
    if (!text || ["SCRIPT", "STYLE", "title"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(numbers(element.closest("svg") ? style.fill : style.color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push([text, contrast]);
  }
  return faint;
})()"""

#: Parts whose text runs over their edge, or out of the window where nothing scrolls.
SPILLED = """[...document.querySelectorAll("h1, h2, p, li, figcaption, .key, th, td, h4, summary")]
  .filter(each => each.offsetParent && each.scrollWidth > each.clientWidth + 1 && each.clientWidth)
  .map(each => each.textContent.trim())"""


def chromium():
    """The path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


class Browser:
    """One browser with one page, closed on leaving; ``with Browser(path) as browser``."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # its children may outlive it a moment
        reads, theirs_out = os.pipe()
        theirs_in, writes = os.pipe()
        # the protocol is spoken on descriptors 3 and 4
        command = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", self.path, "--headless",
                   "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--remote-debugging-pipe",
                   f"--user-data-dir={self.folder.name}", "about:blank"]
        self.process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.reads, self.writes, self.number, self.session = open(reads, "rb"), open(writes, "wb"), 0, None
        [page] = [target for target in self.ask("Target.getTargets")["targetInfos"] if target["type"] == "page"]
        self.session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.ask("Page.enable")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reads.close()
        self.writes.close()
        self.folder.cleanup()

    def _message(self):
        text = bytearray()
        while (byte := self.reads.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser has gone")
            text += byte
        return json.loads(text)

    def ask(self, method, **parameters):
        """Call a method of the protocol; gives its result."""
        self.number += 1
        call = {"id": self.number, "method": method, "params": parameters}
        self.writes.write(json.dumps(call | ({"sessionId": self.session} if self.session else {})).encode() + b"\0")
        self.writes.flush()
        while (answer := self._message()).get("id") != self.number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def show(self, path, width, height, dark):
        """Load a file in a window of this size and theme."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Page.navigate", url=Path(path).resolve().as_uri())
        while self.run("document.readyState") != "complete":
            pass

    def run(self, script):
        """The value of an expression in the page."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description"))
        return result["result"].get("value")

    def picture(self, path, whole=False):
        """Keep what the window, or the whole page, shows as a PNG file."""
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(found["data"]))
