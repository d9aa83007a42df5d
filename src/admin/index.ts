export { AdminClient } from "./admin-client.ts";
export { AdminError, type AdminErrorCode } from "./admin-error.ts";
export { SifletAdminService, type AdminServiceParts } from "./admin-service.ts";
export { RunningPulls } from "./running-pulls.ts";
