import { Content } from "@patternfly/react-core";
import { useState } from "react";
import { PasteForm } from "./paste_form";

/// For a clipboard that the page may not read: the browser's own paste works in a field.
export function PasteText({ why, send, onClose }: { why: string; send: (text: string) => void; onClose: () => void }) {
  const [text, setText] = useState("");
  return (
    <PasteForm
      title="Paste into the serial line"
      verb="Send"
      text={text}
      onText={setText}
      allowed={text !== ""}
      send={() => {
        onClose();
        send(text);
      }}
      onClose={onClose}
      before={<Content component="p">{why} Paste into the field, then send it.</Content>}
    />
  );
}
