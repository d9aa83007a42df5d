/** What clients of the interface take, and what is taken from them. @see cri.md §1.1 */
export const MAX_MESSAGE_BYTES: number = 16 * 1024 * 1024;
