import { Divider, Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import EllipsisVIcon from "@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon";
import { useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import type { VmSummary } from "../../api/models";
import { useGuestAction, verbs } from "./actions";
import { guestPage } from "./guests";

/// Exactly what is allowed now, for this guest and this user.
export function GuestMenu({ vm }: { vm: VmSummary }) {
  const [open, setOpen] = useState(false);
  const toggle = useRef<HTMLButtonElement>(null);
  const navigate = useNavigate();
  const act = useGuestAction();
  const allowed = new Set(vm.actions);
  const places = [
    ...(allowed.has("console") ? [{ label: "Console", path: `${guestPage(vm.name)}/console` }] : []),
    ...(allowed.has("edit") ? [{ label: "Settings", path: `${guestPage(vm.name)}/settings` }] : []),
  ];
  const orders = verbs.filter(({ verb }) => allowed.has(verb));
  if (places.length + orders.length === 0) return null;
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => {
        setOpen(false);
        // The item goes away: what opens next gives the focus back to where it finds it.
        toggle.current?.focus();
      }}
      shouldFocusFirstItemOnOpen
      popperProps={{ position: "right" }}
      toggle={{
        toggleRef: toggle,
        toggleNode: (
          <MenuToggle
            ref={toggle}
            variant="plain"
            size="sm"
            aria-label={`Actions for ${vm.name}`}
            isExpanded={open}
            icon={<EllipsisVIcon />}
            onClick={() => setOpen(!open)}
          />
        ),
      }}
    >
      <DropdownList>
        {places.map(({ label, path }) => (
          <DropdownItem key={label} onClick={() => navigate(path)}>
            {label}
          </DropdownItem>
        ))}
        {places.length > 0 && orders.length > 0 && <Divider key="divider" component="li" />}
        {orders.map(({ verb, label, danger }) => (
          <DropdownItem key={verb} isDanger={danger} onClick={() => act(verb, vm)}>
            {label}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
