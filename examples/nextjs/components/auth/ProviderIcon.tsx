import { GitHubIcon, GoogleIcon, Icon } from "@/components/ui/Icon";

export function ProviderIcon({ id }: { id: string }) {
  if (id === "google") return <GoogleIcon />;
  if (id === "github") return <GitHubIcon />;
  return <Icon name={id === "credential" ? "key" : "link"} />;
}
