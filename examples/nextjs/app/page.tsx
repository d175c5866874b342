import Link from "next/link";
import { Brand } from "@/components/Brand";
import { ServerThemeSwitch } from "@/components/ServerThemeSwitch";
import { StartLinks } from "@/components/StartLinks";
import { Icon, type IconName } from "@/components/ui/Icon";

const FEATURES: { icon: IconName; title: string; text: string }[] = [
  { icon: "key", title: "Your way in", text: "A password, a link by mail, Google or GitHub. Change your mind at any time." },
  { icon: "shield", title: "A second step", text: "An authenticator app, with backup codes for the day that you lose your phone." },
  { icon: "devices", title: "Every device in view", text: "See where you are signed in, and sign out from anywhere with one click." },
];

export default function StartPage() {
  return (
    <div className="start">
      <header className="start-head">
        <Link className="brand" href="/">
          <Brand />
        </Link>
        <ServerThemeSwitch />
      </header>
      <main id="main" tabIndex={-1}>
        <section className="hero">
          <h1>To-dos, kept simple. Accounts, kept safe.</h1>
          <p>A small list that is yours alone, on every device that you sign in with.</p>
          <StartLinks />
        </section>
        <ul className="features">
          {FEATURES.map(({ icon, title, text }) => (
            <li key={title}>
              <Icon name={icon} />
              <h2>{title}</h2>
              <p>{text}</p>
            </li>
          ))}
        </ul>
      </main>
      <footer className="start-foot">An example for lambda-auth, with the npm package better-auth as its client.</footer>
    </div>
  );
}
