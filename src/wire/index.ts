export { adminSchema, AdminService, type AdminMessage, type AdminMessageName } from "./admin-v1.ts";
export { MAX_MESSAGE_BYTES } from "./message-limit.ts";
export { encodedField, encodedMessage } from "./encoded-field.ts";
export {
  CGROUP_DRIVER,
  ImageService,
  runtimeSchema,
  RuntimeService,
  type RuntimeMessage,
  type RuntimeMessageName,
} from "./runtime-v1.ts";
