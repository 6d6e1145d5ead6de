/** The address under which the page of a validator has that validator's own log. */
export function ownLog(page: string): string {
  return new URL('log', page).href;
}

/**
 * The address of a log as `<address>/checkpoint` and `<address>/tile/…` are read; null for a text that is no web
 * address. Of a bare validator's address the log is meant, and of an address within the log the log itself.
 */
export function logAddress(text: string): string | null {
  const url = URL.parse(text.trim());
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return null;
  const path = url.pathname.replace(/\/+(checkpoint)?$/, '');
  return `${url.origin}${path === '' ? '/log' : path}`;
}
