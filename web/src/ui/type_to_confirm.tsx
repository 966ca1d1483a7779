import { FormGroup, TextInput } from "@patternfly/react-core";

/// For what cannot be undone: the name has to be typed.
export function TypeToConfirm({
  name,
  value,
  onChange,
}: {
  name: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <FormGroup
      fieldId="type-to-confirm"
      label={
        <>
          Type <code>{name}</code> to confirm
        </>
      }
    >
      <TextInput
        id="type-to-confirm"
        value={value}
        autoComplete="off"
        spellCheck={false}
        onChange={(_event, next) => onChange(next)}
      />
    </FormGroup>
  );
}
