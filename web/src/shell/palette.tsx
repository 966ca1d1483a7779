import { Modal, ModalBody, ModalHeader, TextInput } from "@patternfly/react-core";
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { mayMake, useUser } from "../features/session/session";
import { createPage, guestPage, useVms } from "../features/guests/guests";
import { places } from "./places";

const most = 12;

/// Goes to any page or guest by a few letters of its name.
export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const { data: vms } = useVms();
  const may = mayMake(useUser());
  const navigate = useNavigate();
  const all = [
    ...(vms ?? []).flatMap((vm) => [
      { label: vm.name, path: guestPage(vm.name) },
      ...(text ? [{ label: `${vm.name} console`, path: `${guestPage(vm.name)}/console` }] : []),
    ]),
    ...places,
    ...(may ? [{ label: "Create a VM", path: createPage }] : []),
  ];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter(({ label }) => words.every((word) => label.toLowerCase().includes(word))).slice(0, most);
  const go = (path: string) => {
    onClose();
    navigate(path);
  };
  return (
    <Modal variant="small" position="top" isOpen onClose={onClose} aria-labelledby="palette-title" elementToFocus="#palette">
      <ModalHeader title="Go to" labelId="palette-title" />
      <ModalBody>
        <TextInput
          id="palette"
          aria-label="Name of a guest or page"
          role="combobox"
          aria-expanded
          aria-controls="palette-list"
          aria-activedescendant={found[chosen] ? `palette-${chosen}` : undefined}
          autoComplete="off"
          value={text}
          onChange={(_event, next) => {
            setText(next);
            setChosen(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setChosen(Math.min(found.length - 1, chosen + 1));
            else if (event.key === "ArrowUp") setChosen(Math.max(0, chosen - 1));
            else if (event.key === "Enter" && found[chosen]) go(found[chosen].path);
            else return;
            event.preventDefault();
          }}
        />
        <ul id="palette-list" role="listbox" aria-label="Found" className="palette-list">
          {found.map(({ label, path }, index) => (
            <li key={path} id={`palette-${index}`} role="option" aria-selected={index === chosen} onClick={() => go(path)}>
              {label}
            </li>
          ))}
        </ul>
      </ModalBody>
    </Modal>
  );
}
