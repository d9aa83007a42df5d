/** Whether `text` is a host as registries are named: `name` or `name:port`, an IPv6 address in brackets. */
export function isPlainHttpHost(text: string): boolean {
  const url = URL.parse(`http://${text}/`);
  return url !== null && url.pathname === "/" && url.username === "" && !/[\s/?#@]/.test(text);
}
