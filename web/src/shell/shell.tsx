import {
  Alert,
  Button,
  Dropdown,
  DropdownItem,
  DropdownList,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadMain,
  MastheadToggle,
  MenuToggle,
  Nav,
  NavItem,
  NavList,
  Page,
  PageSidebar,
  PageSidebarBody,
  PageToggleButton,
  SkipToContent,
} from "@patternfly/react-core";
import BarsIcon from "@patternfly/react-icons/dist/esm/icons/bars-icon";
import ListIcon from "@patternfly/react-icons/dist/esm/icons/list-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { lazy, Suspense, useEffect, useState } from "react";
import { Link, Outlet, useLocation } from "react-router-dom";
import { useLive } from "../api/live";
import { GuestActions } from "../features/guests/actions";
import { useLogOut, useUser } from "../features/session/session";
import { AlertsButton } from "../features/storage/alerts";
import { TaskDrawerState, useTaskDrawer } from "../features/tasks/drawer_state";
import { TaskDrawer } from "../features/tasks/task_drawer";
import { isActive, useTasks } from "../features/tasks/tasks";
import { TaskToasts } from "../features/tasks/toasts";
import { Logo } from "../ui/logo";
import { Waiting } from "../ui/page";
import { themes, useTheme } from "../ui/theme";
import { places } from "./places";

const Palette = lazy(() => import("./palette"));

function TasksButton() {
  const { data } = useTasks();
  const { open, show, close } = useTaskDrawer();
  const running = data?.filter(isActive).length ?? 0;
  return (
    <Button
      variant="plain"
      icon={<ListIcon />}
      aria-expanded={open}
      aria-label={running > 0 ? `Tasks, ${running} running` : "Tasks"}
      onClick={() => (open ? close() : show())}
    >
      <span className="not-on-phone">Tasks</span>
      {running > 0 && (
        <span className="badge numbers">
          {" "}
          {running}
          <span className="not-on-phone"> running</span>
        </span>
      )}
    </Button>
  );
}

function UserMenu() {
  const [open, setOpen] = useState(false);
  const [theme, setTheme] = useTheme();
  const user = useUser();
  const logOut = useLogOut();
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => setOpen(false)}
      shouldFocusFirstItemOnOpen
      popperProps={{ position: "right" }}
      toggle={(ref) => (
        <MenuToggle ref={ref} variant="plainText" isExpanded={open} onClick={() => setOpen(!open)}>
          <span className="user-name">{user.user}</span>
        </MenuToggle>
      )}
    >
      <DropdownList>
        {themes.map((each) => (
          <DropdownItem key={each} onClick={() => setTheme(each)} aria-current={each === theme || undefined}>
            Theme: {each}
            {each === theme && ", chosen"}
          </DropdownItem>
        ))}
        <DropdownItem onClick={() => logOut.mutate()} description={user.role}>
          Log out
        </DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}

/// A short break is not worth a word: the line often comes back before it is read.
const patience = 1500;

function LineBanner() {
  const { state, retry } = useLive();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (state.up) return setShown(false);
    const timer = setTimeout(() => setShown(true), patience);
    return () => clearTimeout(timer);
  }, [state.up]);
  if (!shown) return null;
  return (
    <Alert isInline variant="warning" component="p" isLiveRegion title="The connection to bHype is lost. What you see may be old; the page tries again by itself.">
      <Button variant="link" isInline onClick={retry}>
        Try now
      </Button>
    </Alert>
  );
}

function Frame() {
  const { pathname } = useLocation();
  const { open } = useTaskDrawer();
  const [searching, setSearching] = useState(false);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.ctrlKey && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setSearching(true);
      }
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
  const masthead = (
    <Masthead display={{ default: "inline" }}>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton variant="plain" aria-label="Navigation">
            <BarsIcon />
          </PageToggleButton>
        </MastheadToggle>
        <MastheadBrand>
          <Link to="/" aria-label="bHype, overview">
            <Logo />
          </Link>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <div className="masthead-tools">
          <Button variant="plain" icon={<SearchIcon />} aria-label="Search, Ctrl-K" onClick={() => setSearching(true)}>
            <span className="not-on-phone">
              Search <kbd>Ctrl-K</kbd>
            </span>
          </Button>
          <AlertsButton />
          <TasksButton />
          <UserMenu />
        </div>
      </MastheadContent>
    </Masthead>
  );
  const sidebar = (
    <PageSidebar>
      <PageSidebarBody>
        <Nav aria-label="Main">
          <NavList>
            {places.map(({ path, label }) => {
              const active = path === "/" ? pathname === "/" : pathname.startsWith(path);
              return (
                <NavItem key={path} isActive={active}>
                  <Link to={path} aria-current={active ? "page" : undefined}>{label}</Link>
                </NavItem>
              );
            })}
          </NavList>
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
  return (
    <Page
      masthead={masthead}
      sidebar={sidebar}
      isManagedSidebar
      isContentFilled
      mainContainerId="main"
      // In reach of the keyboard, so that a long page can be scrolled with it.
      mainTabIndex={0}
      className={open ? "with-drawer" : undefined}
      skipToContent={<SkipToContent href="#main">Skip to the content</SkipToContent>}
    >
      <LineBanner />
      <GuestActions>
        <Suspense fallback={<Waiting label="Opening the page" />}>
          <Outlet />
        </Suspense>
        <TaskDrawer />
      </GuestActions>
      <TaskToasts />
      {searching && (
        <Suspense fallback={null}>
          <Palette onClose={() => setSearching(false)} />
        </Suspense>
      )}
    </Page>
  );
}

export function Shell() {
  return (
    <TaskDrawerState>
      <Frame />
    </TaskDrawerState>
  );
}
