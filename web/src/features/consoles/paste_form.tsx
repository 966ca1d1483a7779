import { FormGroup, TextArea } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Question } from "../../ui/question";

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
    <Question title={title} verb={verb} allowed={allowed} focus="#paste-text" onAnswer={send} onClose={onClose}>
      {before}
      <FormGroup label="Text" fieldId="paste-text">
        <TextArea id="paste-text" rows={5} value={text} onChange={(_event, next) => onText(next)} />
      </FormGroup>
      {children}
    </Question>
  );
}
