"""Names and places of the demo's people."""

from __future__ import annotations

FIRST_NAMES = (
    "Ada Aiko Alma Amara Amir Anan Andre Anika Arjun Astrid Ayla Bao Beatriz Bela Bruno Camila"
    " Carlos Chidi Chloe Clara Dalia Daniel Dara Diego Dina Ebba Elena Elif Emil Emma Enzo Esra"
    " Eva Fatima Felix Femi Finn Freya Gabor Gita Grace Hana Hassan Hugo Ida Ilias Imani Ines"
    " Isak Ivan Jana Jasper Jin Joana Jonas Jun Kai Karima Kemal Kiri Lara Layla Leo Lien Lina"
    " Luca Lucia Magnus Mai Malik Mara Mateo Maya Mei Mila Milan Mina Mohan Nadia Naoki Nia Nils"
    " Nina Noah Noor Nuno Olga Omar Oskar Otto Paola Pavel Petra Priya Quinn Rafa Rana Ravi Remy"
    " Rosa Ruben Ruth Sami Sara Selma Sofia Soren Sunil Tariq Tessa Theo Tomas Uma Vera Viktor"
    " Wanda Wei Yara Yuki Yusuf Zara Zeno Zoe"
).split()

LAST_NAMES = (
    "Abe Adeyemi Ahmed Alvarez Andersen Aziz Bakker Banerjee Baran Barros Bauer Becker Berg"
    " Bianchi Blanc Boateng Borg Brandt Castro Chen Cohen Costa Cruz Dahl Das Diaz Diallo Dubois"
    " Eriksen Farkas Ferrari Fischer Flores Fontaine Fuchs Garcia Gomez Gruber Haas Haddad Hansen"
    " Hassan Hoang Horvat Ito Ivanov Jansen Jensen Joshi Kang Kaya Keller Khan Kim Klein Kovacs"
    " Kowalski Kumar Larsen Lee Leone Lima Lin Lopez Lund Maier Mansour Martin Mendes Meyer"
    " Mishra Moreau Moretti Mori Mwangi Nagy Nakamura Nguyen Nielsen Novak Nowak Obi Okafor Olsen"
    " Ortiz Park Patel Pereira Petrov Pham Popescu Rahman Ramos Reyes Ricci Rossi Roux Russo"
    " Saito Salazar Santos Sato Schmidt Schulz Sharma Silva Singh Sousa Suzuki Takeda Tan Toth"
    " Tran Varga Vega Virtanen Vogel Wagner Wang Weber Wolf Wong Yilmaz Young Zhang Ziegler"
).split()

PLACES = (
    "Accra|Athens|Barcelona|Berlin|Bogotá|Budapest|Cairo|Cape Town|Casablanca|Chennai|Dakar"
    "|Dublin|Hà Nội|Helsinki|İstanbul|Kraków|Kyoto|Lagos|Lima|Lisboa|London|Melbourne|México"
    "|Montréal|Mumbai|Nairobi|Oslo|Porto|Praha|Reykjavík|Roma|São Paulo|Seoul|Toronto|Vienna"
    "|Wellington|Zürich|東京|台北"
).split("|")
