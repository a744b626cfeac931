# SPDX-License-Identifier: LGPL-2.1-or-later
"""A smart meter, which parses its telegrams in the event loop. This is the integration at fault."""

import functools

TELEGRAM = "".join(f"1-0:{code}.7.0({code * 0.125:010.3f}*kWh)\r\n" for code in range(1, 400)) + "!"


def checksum(data):
    """CRC-16, a bit at a time, where a table or a thread would do."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def parse(telegram):
    """Return the values by their codes."""
    values = {}
    for line in telegram.splitlines()[:-1]:
        code, _, value = line.partition("(")
        values[code] = float(value.rstrip(")").partition("*")[0])
    return values, checksum(telegram.encode())


async def async_update(hass):
    """Parse, for much too long."""
    values, crc = parse(TELEGRAM)
    hass.async_set_state("sensor.meter", values["1-0:1.7.0"])
    hass.async_set_state("sensor.meter_checksum", crc)


def setup(hass):
    """Set the integration up."""
    return [hass.async_track_interval(functools.partial(async_update, hass), 0.03, "smart_meter")]
