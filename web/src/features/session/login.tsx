import {
  Alert,
  Button,
  Card,
  CardBody,
  Content,
  Form,
  FormGroup,
  TextInput,
} from "@patternfly/react-core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Navigate, useSearchParams } from "react-router-dom";
import { ApiError, toProblem } from "../../api/problem";
import { formatExact } from "../../text/time";
import { Logo } from "../../ui/logo";
import { useTheme } from "../../ui/theme";
import { safeReturn, useLogIn, useWhoAmI } from "./session";

/// Seconds until `moment`, counted down each second; 0 when it has passed.
function useCountdown(moment: number | undefined): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (moment === undefined) return setLeft(0);
    const tick = () => setLeft(Math.max(0, Math.ceil((moment - Date.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [moment]);
  return left;
}

export default function Login() {
  useTheme();
  const { data: who } = useWhoAmI();
  const [search] = useSearchParams();
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [blockedUntil, setBlockedUntil] = useState<number>();
  const passwordField = useRef<HTMLInputElement>(null);
  const logIn = useLogIn();
  const left = useCountdown(blockedUntil);

  useEffect(() => {
    document.title = "Log in - bHype";
  }, []);

  if (who) return <Navigate to={safeReturn(search.get("to"))} replace />;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!user || !password || logIn.isPending) return;
    logIn.mutate(
      { user, password },
      {
        onError: (error) => {
          setPassword("");
          passwordField.current?.focus();
          if (error instanceof ApiError && error.retryAfter) setBlockedUntil(Date.now() + error.retryAfter * 1000);
        },
      },
    );
  };

  const problem = logIn.error ? toProblem(logIn.error) : undefined;
  return (
    <main className="login">
      <div className="login-box">
        <Logo />
        <Card>
          <CardBody>
            <Content component="h1">Log in</Content>
            <Form onSubmit={submit}>
              {search.has("to") && !problem && (
                <Alert variant="info" isInline isPlain component="p" title="After the log-in you are back on the page you asked for." />
              )}
              {problem && (
                <Alert variant="danger" isInline component="p" title={problem.title} id="login-problem">
                  {problem.detail && <p>{problem.detail}</p>}
                  {blockedUntil !== undefined && left > 0 ? (
                    <p>
                      Try again in <span className="numbers">{left}</span> s, at {formatExact(blockedUntil)}.
                    </p>
                  ) : (
                    <p>{blockedUntil !== undefined ? "You can try again now." : problem.advice}</p>
                  )}
                </Alert>
              )}
              <FormGroup label="User name" fieldId="login-user">
                <TextInput
                  id="login-user"
                  name="username"
                  value={user}
                  onChange={(_event, next) => setUser(next)}
                  autoComplete="username"
                  autoCapitalize="none"
                  spellCheck={false}
                  autoFocus
                  aria-describedby={problem ? "login-problem" : undefined}
                />
              </FormGroup>
              <FormGroup label="Password" fieldId="login-password">
                <TextInput
                  ref={passwordField}
                  id="login-password"
                  name="password"
                  type="password"
                  value={password}
                  onChange={(_event, next) => setPassword(next)}
                  autoComplete="current-password"
                  aria-describedby={problem ? "login-problem" : undefined}
                />
              </FormGroup>
              <Button
                type="submit"
                isBlock
                isLoading={logIn.isPending}
                isDisabled={!user || !password || left > 0 || logIn.isPending}
              >
                Log in
              </Button>
            </Form>
          </CardBody>
        </Card>
        <p className="quiet">Accounts are the host's own users. Members of wheel administer; members of bhype have VMs of their own; members of bhype-view look.</p>
      </div>
    </main>
  );
}
