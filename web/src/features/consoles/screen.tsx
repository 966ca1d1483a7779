import RFB from "@novnc/novnc";
import {
  Button,
  Dropdown,
  DropdownItem,
  DropdownList,
  FormGroup,
  FormSelect,
  FormSelectOption,
  MenuToggle,
} from "@patternfly/react-core";
import { useCallback, useRef, useState } from "react";
import { usePreference } from "../../ui/preference";
import { type Opener, useConsoleLine } from "./connection";
import { LineNote, LineState } from "./line_state";
import { PasteForm } from "./paste_form";
import { consoleAddress } from "./ticket";
import { type Layout, layouts, typeText } from "./typing";

// X11 keysyms of the modifiers.
const control = 0xffe3;
const alt = 0xffe9;
const shift = 0xffe1;
const altGr = 0xfe03;
const f1 = 0xffbe;
const print = 0xff61;

function PasteDialog({ rfb, onClose }: { rfb: RFB; onClose: () => void }) {
  const [text, setText] = useState("");
  const [layout, setLayout] = usePreference("layout", "us");
  const { presses, missing } = typeText(text, layout as Layout);
  const type = () => {
    for (const press of presses) {
      if (press.shift) rfb.sendKey(shift, "ShiftLeft", true);
      if (press.altGr) rfb.sendKey(altGr, "AltRight", true);
      rfb.sendKey(press.keysym, press.code);
      if (press.altGr) rfb.sendKey(altGr, "AltRight", false);
      if (press.shift) rfb.sendKey(shift, "ShiftLeft", false);
    }
    onClose();
    // After the dialog has given the focus back to the button that opened it: what is typed next is for the guest.
    setTimeout(() => rfb.focus());
  };
  return (
    <PasteForm title="Paste as typing" verb="Type" text={text} onText={setText} allowed={presses.length > 0} send={type} onClose={onClose}>
      <FormGroup label="Keyboard layout of the guest" fieldId="paste-layout">
        <FormSelect id="paste-layout" value={layout} onChange={(_event, next) => setLayout(next)}>
          {Object.entries(layouts).map(([value, label]) => (
            <FormSelectOption key={value} value={value} label={label} />
          ))}
        </FormSelect>
      </FormGroup>
      {missing.length > 0 && <p>This layout has no key for {missing.join(" ")}; it is left out.</p>}
    </PasteForm>
  );
}

function KeysMenu({ rfb }: { rfb: RFB }) {
  const [open, setOpen] = useState(false);
  const functionKey = (number: number) => {
    rfb.sendKey(control, "ControlLeft", true);
    rfb.sendKey(alt, "AltLeft", true);
    rfb.sendKey(f1 + number - 1, `F${number}`);
    rfb.sendKey(alt, "AltLeft", false);
    rfb.sendKey(control, "ControlLeft", false);
  };
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      isScrollable
      onSelect={() => {
        setOpen(false);
        setTimeout(() => rfb.focus());
      }}
      toggle={(ref) => (
        <MenuToggle ref={ref} size="sm" isExpanded={open} onClick={() => setOpen(!open)}>
          Keys
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem onClick={() => rfb.sendCtrlAltDel()}>Ctrl-Alt-Del</DropdownItem>
        <DropdownItem onClick={() => rfb.sendKey(print, "PrintScreen")}>Print</DropdownItem>
        {Array.from({ length: 12 }, (_, index) => index + 1).map((number) => (
          <DropdownItem key={number} onClick={() => functionKey(number)}>
            Ctrl-Alt-F{number}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}

export function Screen({ name }: { name: string }) {
  const frame = useRef<HTMLDivElement>(null);
  const target = useRef<HTMLDivElement>(null);
  const [rfb, setRfb] = useState<RFB>();
  const [pasting, setPasting] = useState(false);

  const open = useCallback<Opener>((ticket, mode, up, down) => {
    const { url, protocols } = consoleAddress(ticket);
    let wanted = true;
    const made = new RFB(target.current!, url, { shared: true, wsProtocols: protocols });
    made.scaleViewport = true;
    made.background = "transparent";
    made.viewOnly = mode === "watch";
    made.addEventListener("connect", () => {
      setRfb(made);
      up();
      made.focus();
    });
    made.addEventListener("disconnect", () => {
      setRfb(undefined);
      if (wanted) down();
    });
    return () => {
      wanted = false;
      made.disconnect();
    };
  }, []);
  const { line, ask } = useConsoleLine(name, "screen", open);
  const mayType = line.state === "open" && line.mode !== "watch";

  const screenshot = () =>
    rfb?.toBlob((blob) => {
      if (!blob) return;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${name}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }, "image/png");

  return (
    <div className="console" ref={frame}>
      <div className="console-tools">
        {rfb && mayType && <KeysMenu rfb={rfb} />}
        <Button variant="secondary" size="sm" isDisabled={!rfb || !mayType} onClick={() => setPasting(true)}>
          Paste
        </Button>
        <Button variant="secondary" size="sm" isDisabled={!rfb} onClick={screenshot}>
          Screenshot
        </Button>
        <Button variant="secondary" size="sm" onClick={() => void frame.current?.requestFullscreen()}>
          Full screen
        </Button>
        <LineNote line={line} ask={ask} />
      </div>
      <div className="console-view">
        <div className="console-target" ref={target} data-console="screen" data-line={line.state} />
        <LineState line={line} ask={ask} />
      </div>
      {pasting && rfb && <PasteDialog rfb={rfb} onClose={() => setPasting(false)} />}
    </div>
  );
}
