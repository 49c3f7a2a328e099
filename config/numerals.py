"""Numbers in Russian words."""


def plural(number: int, one: str, few: str, many: str) -> str:
    """The Russian form of a noun for `number`: 1 заявка, 2 заявки, 5 заявок."""
    if number % 10 == 1 and number % 100 != 11:
        return one
    if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14):
        return few
    return many


def time_span(seconds: int) -> str:
    """A span as «5 минут», after «через» and before «назад»: the accusative."""
    if seconds <= 90:
        return f"{seconds} {plural(seconds, 'секунду', 'секунды', 'секунд')}"
    minutes = round(seconds / 60)
    if minutes <= 90:
        return f"{minutes} {plural(minutes, 'минуту', 'минуты', 'минут')}"
    hours = round(seconds / 3600)
    if hours <= 36:
        return f"{hours} {plural(hours, 'час', 'часа', 'часов')}"
    days = round(seconds / 86400)
    return f"{days} {plural(days, 'день', 'дня', 'дней')}"


def file_size(size: int) -> str:
    """1536 → «1,5 КБ»."""
    if size < 1024:
        return f"{size} Б"
    unit, value = ("КБ", size / 1024) if size < 1023.95 * 1024 else ("МБ", size / 1024**2)
    return f"{value:.1f} {unit}".replace(".0 ", " ").replace(".", ",")
