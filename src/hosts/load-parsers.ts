type HostsToml = typeof import("./parse-hosts-toml.ts");
type RegistriesConf = typeof import("./parse-registries-conf.ts");

/** Loads what reads the texts of files: it costs more than the rest of a pull's start. */
export async function loadParsers(): Promise<
  Pick<HostsToml, "parseHostsToml"> & Pick<RegistriesConf, "parseRegistriesConf">
> {
  const [{ parseHostsToml }, { parseRegistriesConf }] = await Promise.all([
    import("./parse-hosts-toml.ts"),
    import("./parse-registries-conf.ts"),
  ]);
  return { parseHostsToml, parseRegistriesConf };
}
