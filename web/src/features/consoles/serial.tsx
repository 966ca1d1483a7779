import { Button, SearchInput } from "@patternfly/react-core";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useCallback, useEffect, useRef, useState } from "react";
import { copyText, readClipboard } from "../../ui/clipboard";
import { type Opener, useConsoleLine } from "./connection";
import { LineNote, LineState } from "./line_state";
import { PasteText } from "./paste_text";
import { documentForStyles } from "./style_document";
import { consoleAddress } from "./ticket";

interface Parts {
  terminal: Terminal;
  search: SearchAddon;
}

export function Serial({ name }: { name: string }) {
  const frame = useRef<HTMLDivElement>(null);
  const target = useRef<HTMLDivElement>(null);
  const parts = useRef<Parts>(undefined);
  const socket = useRef<WebSocket>(undefined);
  const [find, setFind] = useState("");
  /// Why the clipboard gave nothing.
  const [unread, setUnread] = useState<string>();

  useEffect(() => {
    const terminal = new Terminal({
      scrollback: 20_000,
      // A phone is wide enough for half a line of 80 at most.
      fontSize: window.innerWidth < 600 ? 11 : 14,
      screenReaderMode: true,
      documentOverride: documentForStyles(document),
    });
    const fit = new FitAddon();
    const search = new SearchAddon();
    terminal.loadAddon(fit);
    terminal.loadAddon(search);
    terminal.open(target.current!);
    fit.fit();
    const encoder = new TextEncoder();
    const typed = terminal.onData((text) => {
      if (socket.current?.readyState === WebSocket.OPEN) socket.current.send(encoder.encode(text));
    });
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(target.current!);
    parts.current = { terminal, search };
    return () => {
      observer.disconnect();
      typed.dispose();
      terminal.dispose();
      parts.current = undefined;
    };
  }, []);

  const open = useCallback<Opener>((ticket, mode, up, down) => {
    const { url, protocols } = consoleAddress(ticket);
    const made = new WebSocket(url, protocols);
    made.binaryType = "arraybuffer";
    made.onopen = () => {
      // What came before is replayed from the host: start from nothing, or it would stand there twice.
      parts.current?.terminal.reset();
      if (parts.current) parts.current.terminal.options.disableStdin = mode === "watch";
      socket.current = made;
      up();
      parts.current?.terminal.focus();
    };
    made.onmessage = (event: MessageEvent<ArrayBuffer>) => parts.current?.terminal.write(new Uint8Array(event.data));
    made.onclose = () => {
      if (socket.current === made) socket.current = undefined;
      down();
    };
    return () => {
      made.onclose = null;
      made.close();
    };
  }, []);
  const { line, ask } = useConsoleLine(name, "serial", open);

  const copy = () => {
    const terminal = parts.current?.terminal;
    if (!terminal) return;
    const chosen = terminal.hasSelection();
    if (!chosen) terminal.selectAll();
    void copyText(terminal.getSelection());
    if (!chosen) terminal.clearSelection();
    terminal.focus();
  };
  const send = (text: string) => {
    parts.current?.terminal.paste(text);
    // After a dialog has given the focus back: what is typed next is for the guest.
    setTimeout(() => parts.current?.terminal.focus());
  };
  const paste = async () => {
    const text = await readClipboard();
    if (text) send(text);
    else setUnread(text === "" ? "There is no text on the clipboard." : "The browser does not let this page read the clipboard.");
  };

  return (
    <div className="console" ref={frame}>
      <div className="console-tools">
        <SearchInput
          aria-label="Find in the serial line"
          placeholder="Find"
          value={find}
          onChange={(_event, text) => {
            setFind(text);
            parts.current?.search.findPrevious(text, { incremental: true });
          }}
          onSearch={() => parts.current?.search.findPrevious(find)}
          onClear={() => setFind("")}
        />
        <Button variant="secondary" size="sm" onClick={copy}>
          Copy
        </Button>
        <Button variant="secondary" size="sm" isDisabled={line.state !== "open" || line.mode === "watch"} onClick={() => void paste()}>
          Paste
        </Button>
        <Button variant="secondary" size="sm" onClick={() => void frame.current?.requestFullscreen()}>
          Full screen
        </Button>
        <LineNote line={line} ask={ask} />
      </div>
      <div className="console-view">
        <div className="console-target" ref={target} data-console="serial" data-line={line.state} />
        <LineState line={line} ask={ask} />
      </div>
      {unread !== undefined && <PasteText why={unread} send={send} onClose={() => setUnread(undefined)} />}
    </div>
  );
}
