import { Button, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextArea } from "@patternfly/react-core";
import type { ReactNode } from "react";

/// A field for text that goes to the guest, with what else is to be said or chosen around it.
export function PasteForm({
  title, verb, text, onText, allowed, send, onClose, before, children,
}: {
  title: string;
  verb: string;
  text: string;
  onText: (text: string) => void;
  allowed: boolean;
  send: () => void;
  onClose: () => void;
  before?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <Modal variant="small" isOpen onClose={onClose} aria-labelledby="paste-title" elementToFocus="#paste-text">
      <ModalHeader title={title} labelId="paste-title" />
      <ModalBody>
        <Form>
          {before}
          <FormGroup label="Text" fieldId="paste-text">
            <TextArea id="paste-text" rows={5} value={text} onChange={(_event, next) => onText(next)} />
          </FormGroup>
          {children}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button isDisabled={!allowed} onClick={send}>
          {verb}
        </Button>
        <Button variant="link" onClick={onClose}>
          Leave it
        </Button>
      </ModalFooter>
    </Modal>
  );
}
