import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import type { FormEvent, ReactNode } from "react";

/// A question with one button that does it. Enter in a line does it too, once it is allowed.
export function Question({
  title,
  verb,
  danger,
  allowed = true,
  busy = false,
  focus,
  onAnswer,
  onClose,
  children,
}: {
  title: string;
  verb: string;
  danger?: boolean;
  allowed?: boolean;
  /// It is being done.
  busy?: boolean;
  /// Selector of what has the focus first; the first field when missing.
  focus?: string;
  onAnswer: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (allowed && !busy) onAnswer();
  };
  return (
    <Modal variant="small" isOpen onClose={onClose} aria-labelledby="question-title" {...(focus ? { elementToFocus: focus } : {})}>
      <ModalHeader title={title} labelId="question-title" titleIconVariant={danger ? "warning" : undefined} />
      <ModalBody>
        <Form onSubmit={submit} id="question">
          {children}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="question" variant={danger ? "danger" : "primary"} isDisabled={!allowed || busy} isLoading={busy}>
          {verb}
        </Button>
        <Button variant="link" onClick={onClose}>
          Leave it
        </Button>
      </ModalFooter>
    </Modal>
  );
}
