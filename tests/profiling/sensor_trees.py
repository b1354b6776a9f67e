"""The files in which Linux shows energy sensors, as machines have them."""

from collections.abc import Mapping
from pathlib import Path

RAPL = "sys/class/powercap"
HWMON = "sys/class/hwmon"

LAPTOP: Mapping[str, str] = {
    f"{RAPL}/intel-rapl/enabled": "1",
    f"{RAPL}/intel-rapl:0/name": "package-0",
    f"{RAPL}/intel-rapl:0/energy_uj": "5000000",
    f"{RAPL}/intel-rapl:0/max_energy_range_uj": "262143328850",
    f"{RAPL}/intel-rapl:0:0/name": "core",
    f"{RAPL}/intel-rapl:0:0/energy_uj": "3000000",
    f"{RAPL}/intel-rapl:0:0/max_energy_range_uj": "262143328850",
    f"{RAPL}/intel-rapl:0:1/name": "uncore",
    f"{RAPL}/intel-rapl:0:1/energy_uj": "1000000",
    f"{RAPL}/intel-rapl:0:1/max_energy_range_uj": "262143328850",
}
"""One package; what is in it is counted with it."""

TWO_SOCKETS: Mapping[str, str] = {
    f"{RAPL}/intel-rapl:{package}{part}/{file}": text
    for package in (0, 1)
    for part, name in (("", f"package-{package}"), (":0", "dram"))
    for file, text in (
        ("name", name), ("energy_uj", "1000000"), ("max_energy_range_uj", "65532610987"),
    )
}  # fmt: skip
"""A server: its memory is in neither package."""

WHOLE_MACHINE: Mapping[str, str] = {
    **LAPTOP,
    f"{RAPL}/intel-rapl:1/name": "psys",
    f"{RAPL}/intel-rapl:1/energy_uj": "9000000",
    f"{RAPL}/intel-rapl:1/max_energy_range_uj": "262143328850",
}
"""A zone of everything, with the package in it."""

ORIN_NX: Mapping[str, str] = {
    f"{HWMON}/hwmon0/name": "tmp451",
    f"{HWMON}/hwmon0/temp1_input": "45000",
    f"{HWMON}/hwmon1/name": "ina3221",
    f"{HWMON}/hwmon1/in1_label": "VDD_IN",
    f"{HWMON}/hwmon1/in1_enable": "1",
    f"{HWMON}/hwmon1/in1_input": "5000",
    f"{HWMON}/hwmon1/curr1_input": "1000",
    f"{HWMON}/hwmon1/curr1_crit": "7784",
    f"{HWMON}/hwmon1/in2_label": "VDD_CPU_GPU_CV",
    f"{HWMON}/hwmon1/in2_enable": "1",
    f"{HWMON}/hwmon1/in2_input": "5000",
    f"{HWMON}/hwmon1/curr2_input": "300",
    f"{HWMON}/hwmon1/in3_label": "VDD_SOC",
    f"{HWMON}/hwmon1/in3_enable": "1",
    f"{HWMON}/hwmon1/in3_input": "5000",
    f"{HWMON}/hwmon1/curr3_input": "200",
    f"{HWMON}/hwmon1/in7_label": "sum of shunt voltages",
    f"{HWMON}/hwmon1/in7_input": "8",
    f"{HWMON}/hwmon1/curr4_input": "1500",
}
"""One rail feeds the two others: what is behind it is not to be counted twice."""

AGX_ORIN: Mapping[str, str] = {
    f"{HWMON}/hwmon2/name": "ina3221",
    f"{HWMON}/hwmon2/in1_label": "VDD_GPU_SOC",
    f"{HWMON}/hwmon2/in1_input": "20000",
    f"{HWMON}/hwmon2/curr1_input": "100",
    f"{HWMON}/hwmon2/in2_label": "VDD_CPU_CV",
    f"{HWMON}/hwmon2/in2_input": "20000",
    f"{HWMON}/hwmon2/curr2_input": "50",
    f"{HWMON}/hwmon2/in3_label": "VIN_SYS_5V0",
    f"{HWMON}/hwmon2/in3_input": "5000",
    f"{HWMON}/hwmon2/curr3_input": "600",
    f"{HWMON}/hwmon3/name": "ina3221",
    f"{HWMON}/hwmon3/in1_label": "NC",
    f"{HWMON}/hwmon3/in1_input": "0",
    f"{HWMON}/hwmon3/curr1_input": "0",
    f"{HWMON}/hwmon3/in2_label": "VDDQ_VDD2_1V8AO",
    f"{HWMON}/hwmon3/in2_enable": "0",
    f"{HWMON}/hwmon3/in2_input": "5000",
    f"{HWMON}/hwmon3/curr2_input": "1000",
}
"""No rail feeds all: they are added up, over two chips, but for those that are off."""


def planted(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder; gives the folder."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"{text}\n")
    return root
