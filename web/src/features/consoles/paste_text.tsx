import { Button, Content, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextArea } from "@patternfly/react-core";
import { useState } from "react";

/// For a clipboard that the page may not read: the browser's own paste works in a field.
export function PasteText({ why, send, onClose }: { why: string; send: (text: string) => void; onClose: () => void }) {
  const [text, setText] = useState("");
  return (
    <Modal variant="small" isOpen onClose={onClose} aria-labelledby="paste-title" elementToFocus="#paste-text">
      <ModalHeader title="Paste into the serial line" labelId="paste-title" />
      <ModalBody>
        <Form>
          <Content component="p">{why} Paste into the field, then send it.</Content>
          <FormGroup label="Text" fieldId="paste-text">
            <TextArea id="paste-text" rows={5} value={text} onChange={(_event, next) => setText(next)} />
          </FormGroup>
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          isDisabled={text === ""}
          onClick={() => {
            onClose();
            send(text);
          }}
        >
          Send
        </Button>
        <Button variant="link" onClick={onClose}>
          Leave it
        </Button>
      </ModalFooter>
    </Modal>
  );
}
