import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";

/// One line of text with its problem, as the server names it, or its help below.
export function TextField({
  id,
  label,
  value,
  onChange,
  problem,
  help,
  required,
  secret,
}: {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string;
  help?: string;
  required?: boolean;
  /// Not shown as it is typed.
  secret?: boolean;
}) {
  return (
    <FormGroup label={label} fieldId={id} isRequired={required}>
      <TextInput
        id={id}
        type={secret ? "password" : "text"}
        value={value}
        onChange={(_event, next) => onChange(next)}
        validated={problem ? "error" : "default"}
        aria-describedby={problem || help ? `${id}-help` : undefined}
        autoComplete={secret ? "new-password" : "off"}
        autoCapitalize="none"
        spellCheck={false}
      />
      {(problem || help) && (
        <FormHelperText>
          <HelperText id={`${id}-help`}>
            <HelperTextItem variant={problem ? "error" : "default"}>{problem ?? help}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
