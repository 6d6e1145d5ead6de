const TRIES = 3;

/**
 * GET from a service of the local subnet. Asked again where the connection is lost: one that was kept open may be closed
 * by the service at the very moment in which it is used again. Throws what the last try threw.
 */
export async function get(url: string): Promise<Response> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await fetch(url);
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}
