import type { Config } from "../config/index.ts";
import { StoreError, type Store } from "../store/index.ts";
import type { Session } from "./session.ts";

/**
 * Opens the stores that an image may be copied from; one that cannot be read is told, and passed over.
 *
 * @param opened - closes them
 */
export async function openOtherStores(
  config: Config,
  opened: AsyncDisposableStack,
  onFailure: (message: string) => void,
  session: Session,
): Promise<readonly Store[]> {
  const stores: Store[] = [];
  for (const directory of config.values.stores) {
    if (directory === config.values.store) continue;
    try {
      stores.push(opened.use(await session.environment.openStore(directory, { readOnly: true })));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      onFailure(`store ${directory} cannot be used: ${error.message}`);
    }
  }
  return stores;
}
