import { rm } from "node:fs/promises";

/**
 * Removes a directory of temporary files when its work is over. One that the system does not remove stays:
 * that must neither make a failure of work that is done nor hide why other work failed.
 */
export async function clearAway(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch {
    // Swept when somebody comes here next.
  }
}
