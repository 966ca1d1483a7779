import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import type { Problem } from "../api/models";
import { ProblemBox } from "./problem";

/// For a refusal of something that had no form of its own to show it in.
export function ProblemModal({ problem, onClose }: { problem: Problem; onClose: () => void }) {
  return (
    <Modal variant="small" isOpen onClose={onClose} aria-labelledby="problem-modal-title">
      <ModalHeader title="That did not happen" labelId="problem-modal-title" />
      <ModalBody>
        <ProblemBox problem={problem} />
      </ModalBody>
      <ModalFooter>
        <Button onClick={onClose}>Close</Button>
      </ModalFooter>
    </Modal>
  );
}
