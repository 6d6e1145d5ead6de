import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isSystemError } from '../errors.ts';

/** Where setup puts the built audit page. */
export const AUDIT_PAGE_FOLDER = resolve(import.meta.dirname, '../../.cache/audit-page');

/** Reads a file of the built audit page; null where it was not built. */
export async function readAuditPage(file: string): Promise<Uint8Array | null> {
  try {
    return await readFile(join(AUDIT_PAGE_FOLDER, file));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null;
    throw error;
  }
}
