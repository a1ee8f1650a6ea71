/** What a script sets as its tracking URI to reach this server. */
export function serverAddress(): string {
  const url = new URL('.', document.baseURI);
  return `${url.origin}${url.pathname}`.replace(/\/$/, '');
}
