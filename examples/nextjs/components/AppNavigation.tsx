import { NavigationLink } from "./NavigationLink";

export function AppNavigation() {
  return (
    <nav className="app-nav" aria-label="Main">
      <NavigationLink href="/dashboard">To-dos</NavigationLink>
      <NavigationLink href="/settings" section>
        Settings
      </NavigationLink>
    </nav>
  );
}
