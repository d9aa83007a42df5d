/** What `siflet --version` prints. */
export function versionText(version: string): string {
  return `siflet ${version}\n`;
}
