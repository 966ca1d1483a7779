import { afterEach, expect, it, vi } from "vitest";
import { readClipboard } from "./clipboard";

afterEach(() => vi.unstubAllGlobals());

it("reads the clipboard", async () => {
  vi.stubGlobal("navigator", { clipboard: { readText: () => Promise.resolve("ls -l\n") } });
  expect(await readClipboard()).toBe("ls -l\n");
});

it("says when the browser refuses it or has none", async () => {
  vi.stubGlobal("navigator", { clipboard: { readText: () => Promise.reject(new DOMException("no", "NotAllowedError")) } });
  expect(await readClipboard()).toBeUndefined();
  vi.stubGlobal("navigator", {});
  expect(await readClipboard()).toBeUndefined();
});
